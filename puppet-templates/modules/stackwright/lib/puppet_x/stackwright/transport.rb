require 'json'
require 'net/http'
require 'openssl'
require 'uri'
require_relative 'errors'
require_relative 'proxy'

module PuppetX
  module Stackwright
    # One persistent HTTP connection per server, with retries: an API that is (re)starting refuses or resets connections,
    # or answers 503 for a while.
    class Transport
      # Seconds for which a request is retried. On two busy cores, some services needed over 60 s.
      PATIENCE = 120
      # A shorter limit for noop runs, and for a server that did not answer before.
      LITTLE_PATIENCE = 3
      OPEN_TIMEOUT = 10
      READ_TIMEOUT = 120

      # The application cannot have received the request: any method may be repeated.
      NOT_SENT = [
        Errno::ECONNREFUSED, Errno::EHOSTUNREACH, Errno::ENETUNREACH, Errno::EADDRNOTAVAIL, Errno::ETIMEDOUT,
        Net::OpenTimeout, SocketError, OpenSSL::SSL::SSLError
      ].freeze
      # It may have been carried out although no answer came.
      BROKEN = [
        Errno::ECONNRESET, Errno::ECONNABORTED, Errno::EPIPE, EOFError, IOError, Net::ReadTimeout, Net::WriteTimeout,
        Net::HTTPBadResponse, Net::ProtocolError
      ].freeze

      SYSTEM_BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'].freeze

      VERBS = {
        'GET' => Net::HTTP::Get, 'POST' => Net::HTTP::Post, 'PUT' => Net::HTTP::Put,
        'PATCH' => Net::HTTP::Patch, 'DELETE' => Net::HTTP::Delete
      }.freeze

      # Settings for all requests to servers of one cloud.
      def initialize(cacert: nil, cert: nil, key: nil, insecure: false)
        @cacert = cacert
        @cert = cert
        @key = key
        @insecure = insecure
        @connections = {}
        @given_up = {}
      end

      # Sends one request, repeatedly if need be, and returns the Net::HTTPResponse, whatever its status.
      #
      # body: a String, or an IO that can be rewound (then with a Content-Length among the headers).
      # repeatable: whether the request may be carried out twice. If not, and the connection is lost after sending,
      # Uncertain is raised.
      # Raises Unreachable after the time limit.
      def send_request(verb, url, headers: {}, body: nil, repeatable: verb != 'POST')
        uri = URI.parse(url)
        origin = "#{uri.scheme}://#{uri.host}:#{uri.port}"
        started = now
        pause = 0.1
        begin
          response = exchange(verb, uri, origin, headers, body)
          raise Busy.new(response) if busy?(response, verb, repeatable, now - started)
          if !repeatable && ['502', '504'].include?(response.code)
            raise Uncertain, "#{verb} #{url}: HTTP #{response.code}"
          end
          @given_up.delete(origin)
          response
        rescue *NOT_SENT, *BROKEN, Busy => e
          forget(origin)
          certificate_trouble(verb, url, e)
          if !repeatable && broken?(e)
            raise Uncertain, "#{verb} #{url}: the connection was lost before the answer (#{say(e)})"
          end
          if now - started + pause > patience(origin)
            @given_up[origin] = true
            return e.response if e.is_a?(Busy)
            raise Unreachable, "#{verb} #{url}: no answer for #{(now - started).round} s (#{say(e)})"
          end
          Puppet.debug("#{verb} #{url}: #{say(e)}; trying again")
          sleep(pause)
          pause = [pause * 2, 2].min
          retry
        end
      end

      def close
        @connections.keys.each { |origin| forget(origin) }
      end

      # An answer that means "try again later".
      class Busy < StandardError
        attr_reader :response

        def initialize(response)
          super("HTTP #{response.code}")
          @response = response
        end
      end

      private

      def exchange(verb, uri, origin, headers, body)
        request = VERBS.fetch(verb).new(uri.request_uri)
        # Set by hand: older versions of Net::HTTP leave out the brackets of an IPv6 address.
        request['Host'] = uri.port == uri.default_port ? uri.host : "#{uri.host}:#{uri.port}"
        request['Accept'] = 'application/json'
        request['User-Agent'] = 'stackwright-puppet'
        headers.each { |name, value| request[name] = value }
        if body.respond_to?(:read)
          body.rewind
          request.body_stream = body
        elsif body
          request.body = body
        end
        connection(uri, origin).request(request)
      end

      # With TLS, a closed connection is an OpenSSL error; only during the handshake is it certain that nothing was sent.
      def broken?(error)
        return error.message !~ /\ASSL_connect/ if error.is_a?(OpenSSL::SSL::SSLError)
        BROKEN.any? { |kind| error.is_a?(kind) }
      end

      # After 502 and 504, the request may have been carried out; after 503 and 429, it was not. A 500 is often caused by a
      # database connection that a restart has closed; if it persists, it is an error and retries end soon.
      def busy?(response, verb, repeatable, elapsed)
        case response.code.to_i
        when 429, 503 then true
        when 502, 504 then repeatable
        when 500 then verb == 'GET' && elapsed < 10
        else false
        end
      end

      def patience(origin)
        @given_up[origin] || Puppet[:noop] ? LITTLE_PATIENCE : PATIENCE
      end

      def certificate_trouble(verb, url, error)
        return unless error.is_a?(OpenSSL::SSL::SSLError)
        return unless error.message =~ /certificate|hostname|wrong version|unknown protocol|record layer/i
        raise RestError, "#{verb} #{url}: #{error.message} (trusted certificates: #{bundle || 'of the system'}; " \
                         'set OS_CACERT to another file)'
      end

      def say(error)
        error.is_a?(Busy) ? error.message : "#{error.class.name.split('::').last}: #{error.message}"
      end

      def connection(uri, origin)
        @connections[origin] ||= begin
          proxy = Proxy.for(uri)
          http = if proxy
                   Net::HTTP.new(uri.hostname, uri.port, proxy.hostname, proxy.port,
                                 proxy.user && URI.decode_www_form_component(proxy.user),
                                 proxy.password && URI.decode_www_form_component(proxy.password))
                 else
                   Net::HTTP.new(uri.hostname, uri.port, nil)
                 end
          http.open_timeout = OPEN_TIMEOUT
          http.read_timeout = READ_TIMEOUT
          # Retries are done here, where it is known which requests may be repeated.
          http.max_retries = 0
          encrypt(http) if uri.scheme == 'https'
          http.start
        end
      end

      def encrypt(http)
        http.use_ssl = true
        if @insecure
          http.verify_mode = OpenSSL::SSL::VERIFY_NONE
        else
          http.verify_mode = OpenSSL::SSL::VERIFY_PEER
          http.ca_file = bundle if bundle
        end
        return unless @cert
        http.cert = OpenSSL::X509::Certificate.new(File.read(@cert))
        http.key = OpenSSL::PKey.read(File.read(@key || @cert))
      end

      # The Ruby in Puppet's own packages does not use the system's certificates.
      def bundle
        @cacert || ENV['REQUESTS_CA_BUNDLE'] || ENV['SSL_CERT_FILE'] || SYSTEM_BUNDLES.find { |f| File.exist?(f) }
      end

      def forget(origin)
        http = @connections.delete(origin)
        http.finish if http && http.started?
      rescue IOError, SystemCallError
        nil
      end

      def now
        Process.clock_gettime(Process::CLOCK_MONOTONIC)
      end
    end
  end
end
