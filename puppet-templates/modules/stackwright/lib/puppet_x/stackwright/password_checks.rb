require 'etc'
require_relative 'session'

module PuppetX
  module Stackwright
    # Tries out the passwords of many users side by side. Keystone makes each try cost a good part of a second on purpose,
    # and nearly all of an unchanged run would be spent on waiting for them one after the other.
    class PasswordChecks
      THREADS = 4

      # session: its login is not used, only its way to Keystone. pairs: [user id, password] of all to be tried.
      def initialize(session, pairs)
        queue = Queue.new
        pairs.each { |pair| queue << pair }
        @found = {}
        @lock = Mutex.new
        @threads = Array.new([THREADS, Etc.nprocessors, pairs.length].min) do
          Thread.new do
            # A connection is not to be shared by threads.
            own = Session.new(session.credentials)
            own_results(own, queue)
          end
        end
      end

      # true or false; nil where it was not tried, or could not be. Each answer is given once: it ages.
      def take(user_id, password)
        @threads.each(&:join)
        @lock.synchronize { @found.delete([user_id, password]) }
      end

      private

      def own_results(session, queue)
        loop do
          pair = queue.pop(true)
          valid = session.password_valid?(*pair)
          @lock.synchronize { @found[pair] = valid }
        end
      rescue ThreadError
        nil # the queue is empty
      rescue StandardError => e
        # Whoever needs the answer asks again, and then the error has a resource that it belongs to.
        Puppet.debug("trying out passwords: #{e.class}")
      end
    end
  end
end
