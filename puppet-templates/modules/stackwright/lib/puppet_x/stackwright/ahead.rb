require 'etc'
require 'tempfile'

module PuppetX
  module Stackwright
    # Commands of exec resources that were started before Puppet comes to them: each in a process of its own.
    module Ahead
      Job = Struct.new(:pid, :file)
      @jobs = {}

      class << self
        # Starts what an exec resource does, as its provider would; `take` has the result. As many as the machine has
        # processors, and two at least, work at a time: migrations wait for the database half of the time.
        def start(exec)
          return if @jobs.key?(exec.title)

          tokens
          file = Tempfile.new('stackwright-ahead')
          pid = fork { child(exec, file) }
          @jobs[exec.title] = Job.new(pid, file)
        end

        # [output, exit status] of a command that was started, once it has ended; nil where none was, or it was taken.
        def take(title)
          job = @jobs.delete(title)
          return unless job

          _, status = Process.wait2(job.pid)
          # Killed from outside: as a shell tells it.
          [File.read(job.file.path), status.exitstatus || (128 + status.termsig)]
        ensure
          job.file.close! if job
        end

        private

        # A pipe with a byte in it for each command that may work.
        def tokens
          @tokens ||= IO.pipe.tap do |_, free|
            free.write('.' * [Etc.nprocessors, 2].max)
            # Nobody is left waiting for a result where Puppet ends early; a migration is not to be cut short.
            at_exit { @jobs.each_key.to_a.each { |title| take(title) } if Process.pid == @parent }
            @parent = Process.pid
          end
        end

        def child(exec, file)
          waiting, free = @tokens
          waiting.read(1)
          begin
            output, status = exec.provider.run_now(exec[:command])
            file.write(output)
            code = status.exitstatus
          rescue StandardError => e
            file.write("#{e.class}: #{e.message}\n")
            code = 1
          ensure
            free.write('.')
          end
          file.flush
          # Nothing of Puppet's own is tidied up by this process.
          exit!(code)
        end
      end
    end
  end
end
