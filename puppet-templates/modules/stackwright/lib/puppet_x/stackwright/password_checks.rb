require 'etc'
require_relative 'session'

module PuppetX
  module Stackwright
    # Tests the passwords of many users in parallel. Keystone's password hash makes each test take a good part of a
    # second, and one after the other they would take most of the time of a run without changes.
    class PasswordChecks
      THREADS = 4

      # session: only its connection settings are used, not its login. pairs: [user id, password] to test.
      def initialize(session, pairs)
        queue = Queue.new
        pairs.each { |pair| queue << pair }
        @found = {}
        @lock = Mutex.new
        @threads = Array.new([THREADS, Etc.nprocessors, pairs.length].min) do
          Thread.new do
            # Threads must not share a connection.
            own = Session.new(session.credentials)
            own_results(own, queue)
          end
        end
      end

      # true or false; nil if it was not tested, or the test failed. Each result is returned once, because it ages.
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
        # The provider tests again, so that the error is reported for its resource.
        Puppet.debug("trying out passwords: #{e.class}")
      end
    end
  end
end
