# Errors of requests to OpenStack APIs.
module PuppetX
  module Stackwright
    # Base class. The message contains method, path, status and the message of the API, but never a secret.
    class RestError < Puppet::Error; end

    # No answer, even after retries for as long as a restart may take.
    class Unreachable < RestError; end

    # The connection was lost after the request was sent: it may or may not have been carried out.
    class Uncertain < RestError; end

    # There are no credentials on this host.
    class NoCredentials < RestError; end

    # The API answered with an error.
    class Refused < RestError
      attr_reader :status

      def initialize(message, status)
        super(message)
        @status = status
      end
    end

    # Keystone refuses the login.
    class Unauthorized < Refused; end

    # The token is not accepted (any more, or by this service).
    class TokenRefused < Unauthorized; end

    class NotFound < Refused; end
    class Conflict < Refused; end
  end
end
