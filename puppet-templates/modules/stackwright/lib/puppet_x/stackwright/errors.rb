# What can go wrong between a provider and an OpenStack API.
module PuppetX
  module Stackwright
    # Base of all; its message names method, path, status and the API's own words, and never a secret.
    class RestError < Puppet::Error; end

    # Nobody answered, although it was tried for as long as a restart may take.
    class Unreachable < RestError; end

    # The connection broke after the request was sent: it may or may not have been carried out.
    class Uncertain < RestError; end

    # Nothing on this host says how to log in.
    class NoCredentials < RestError; end

    # The API answered, and the answer is no.
    class Refused < RestError
      attr_reader :status

      def initialize(message, status)
        super(message)
        @status = status
      end
    end

    # Keystone does not let us in.
    class Unauthorized < Refused; end

    # We were let in, and now the token does not count (any more, or there).
    class TokenRefused < Unauthorized; end

    class NotFound < Refused; end
    class Conflict < Refused; end
  end
end
