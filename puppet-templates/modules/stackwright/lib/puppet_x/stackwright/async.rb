require 'etc'
require 'tempfile'

module PuppetX
  module Stackwright
    # Work that was started before Puppet needs its end: each piece in a process of its own.
    module Async
      Job = Struct.new(:pid, :file, :ended)
      @jobs = {}

      class << self
        # Starts a block, which returns [output, exit status]; `take` has both. As many as the machine has processors,
        # and two at least, work at a time: migrations wait for the database half of the time.
        #
        # With `after`, it waits for the end of that piece, and is not begun where that one failed. One that `goes_on`
        # has such a successor, which takes its place: a chain that was begun does not queue again.
        def start(name, after: nil, goes_on: false, &work)
          return if @jobs.key?(name)

          tokens
          file = Tempfile.new('stackwright-async')
          earlier = @jobs[after]&.ended
          ended, ending = IO.pipe
          pid = fork do
            ended.close
            child(file, ending, earlier, goes_on, work)
          end
          # Only the child has it now, so that its end is told also where it is killed.
          ending.close
          @jobs[name] = Job.new(pid, file, ended)
        end

        # [output, exit status] of what was started, once it has ended; nil where nothing was, or it was not begun, or
        # it was taken.
        def take(name)
          job = @jobs.delete(name)
          return unless job

          _, status = Process.wait2(job.pid)
          output = File.read(job.file.path)
          if status.signaled?
            # Killed from outside, with its place: as a shell tells it.
            @tokens.last.write('.')
            return [output, 128 + status.termsig]
          end
          code = status.exitstatus
          code == NOT_BEGUN ? nil : [output, code]
        ensure
          if job
            job.file.close!
            job.ended.close
          end
        end

        # Names of what was started and not taken.
        def pending
          @jobs.keys
        end

        private

        # No program of OpenStack or systemd ends with it.
        NOT_BEGUN = 99
        private_constant :NOT_BEGUN

        # A pipe with a byte in it for each piece that may work.
        def tokens
          @tokens ||= IO.pipe.tap do |_, free|
            free.write('.' * [Etc.nprocessors, 2].max)
            # Nobody is left waiting for a result where Puppet ends early; a migration is not to be cut short.
            at_exit { pending.each { |name| take(name) } if Process.pid == @parent }
            @parent = Process.pid
          end
        end

        def child(file, ending, earlier, goes_on, work)
          # What an earlier one writes to its pipe is its exit status; nothing where it was killed.
          exit!(NOT_BEGUN) unless earlier.nil? || earlier.read == '0'
          waiting, free = @tokens
          waiting.read(1) unless earlier
          begin
            output, code = work.call
            file.write(output)
          rescue StandardError => e
            file.write("#{e.class}: #{e.message}\n")
            code = 1
          end
          free.write('.') unless goes_on && code == 0
          file.flush
          ending.write(code.to_s)
          # Nothing of Puppet's own is tidied up by this process.
          exit!(code)
        end
      end
    end
  end
end
