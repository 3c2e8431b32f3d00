require 'etc'
require 'tempfile'

module PuppetX
  module Stackwright
    # Runs tasks in the background, each in a process of its own, before Puppet needs their results.
    module Async
      Job = Struct.new(:pid, :file, :ended)
      @jobs = {}

      class << self
        # Starts a block, which returns [output, exit status]; `take` returns both. As many tasks as the machine has
        # processors run at a time, but at least two, because migrations wait for the database half of the time.
        #
        # With `after`, it waits for the end of that task, and does not start if that one failed. A task that `goes_on`
        # has such a successor, which inherits its slot, so that a chain does not queue again.
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
          # Now only the child has it open, so that its end is noticed even if it is killed.
          ending.close
          @jobs[name] = Job.new(pid, file, ended)
        end

        # [output, exit status] of a task, after it has ended; nil if there is no such task, if it was not started, or
        # if its result was taken before.
        def take(name)
          job = @jobs.delete(name)
          return unless job

          _, status = Process.wait2(job.pid)
          output = File.read(job.file.path)
          if status.signaled?
            # Killed from outside: the exit status that a shell would report.
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

        # Names of tasks whose results were not taken.
        def pending
          @jobs.keys
        end

        private

        # An exit status that no program of OpenStack or systemd uses.
        NOT_BEGUN = 99
        private_constant :NOT_BEGUN

        # A pipe that contains one byte for each free slot.
        def tokens
          @tokens ||= IO.pipe.tap do |_, free|
            free.write('.' * [Etc.nprocessors, 2].max)
            # If Puppet ends early, nothing waits for the result, but a migration must not be interrupted.
            at_exit { pending.each { |name| take(name) } if Process.pid == @parent }
            @parent = Process.pid
          end
        end

        def child(file, ending, earlier, goes_on, work)
          # The previous task writes its exit status to its pipe; nothing if it was killed.
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
          # This process must not run Puppet's exit handlers.
          exit!(code)
        end
      end
    end
  end
end
