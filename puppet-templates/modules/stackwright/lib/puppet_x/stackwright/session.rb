require 'cgi'
require 'json'
require 'time'
require_relative 'collection'
require_relative 'credentials'
require_relative 'errors'
require_relative 'transport'

module PuppetX
  module Stackwright
    # One login: a token, its catalog, and the connections.
    #
    # All providers of a Puppet run share the sessions, one per scope: Keystone's resources use a system-scoped token like
    # the stock providers, all others a project-scoped one.
    class Session
      # How often a refused token is replaced: Keystone may have new keys, or a service may have validated the token while
      # Keystone was restarting.
      LOGINS = 3
      # Types in the catalog, new ones first.
      TYPES = {
        :network => ['network'],
        :compute => ['compute'],
        :image   => ['image'],
        :volume  => ['block-storage', 'volumev3'],
      }.freeze
      # The version that is appended to an endpoint without one.
      VERSIONS = { :network => 'v2.0', :compute => 'v2.1', :image => 'v2', :volume => 'v3' }.freeze
      # Flavors contain their properties since 2.61 (Rocky).
      HEADERS = { :compute => { 'X-OpenStack-Nova-API-Version' => '2.61' } }.freeze

      @sessions = {}

      # The session for 'system' or 'project' requests. conf: see Credentials.find.
      def self.for(scope, conf = nil)
        credentials = Credentials.find(scope, conf)
        @sessions[credentials] ||= new(credentials)
      end

      attr_reader :credentials

      def initialize(credentials)
        @credentials = credentials
        @transport = Transport.new(:cacert => credentials.cacert, :cert => credentials.cert, :key => credentials.key,
                                   :insecure => credentials.insecure)
        @collections = {}
      end

      # A cached list from the API; see Collection.
      def collection(service, path, key, query = {})
        @collections[[service, path, query]] ||= Collection.new(self, service, path, key, query)
      end

      # service: :identity or a key of TYPES; path: below the version, with a leading slash.
      # Each returns the parsed answer, {} if it is empty, and raises RestError or a subclass.
      def get(service, path, query = {})
        call('GET', service, path, :query => query)
      end

      # Raises Uncertain if the connection was lost after sending, unless the request is `repeatable`.
      def post(service, path, body, repeatable: false, secrets: [])
        call('POST', service, path, :body => body, :repeatable => repeatable, :secrets => secrets)
      end

      def patch(service, path, body, secrets: [], headers: {})
        call('PATCH', service, path, :body => body, :secrets => secrets, :headers => headers)
      end

      def put(service, path, body = nil)
        call('PUT', service, path, :body => body)
      end

      # An object that does not exist counts as deleted.
      def delete(service, path)
        call('DELETE', service, path)
      rescue NotFound
        {}
      end

      # Sends the content of a file.
      def upload(service, path, file)
        headers = { 'Content-Type' => 'application/octet-stream', 'Content-Length' => file.size.to_s }
        call('PUT', service, path, :stream => file, :headers => headers)
      end

      # Whether Keystone accepts this password of a user.
      def password_valid?(user_id, password)
        auth = {
          'auth' => {
            'identity' => { 'methods' => ['password'],
                            'password' => { 'user' => { 'id' => user_id, 'password' => password } } },
            # Otherwise Keystone would also check the user's default project.
            'scope' => 'unscoped',
          },
        }
        response = login(auth)
        return true if response.code == '201'
        return false if response.code == '401'
        raise failure('POST', "#{@credentials.identity_url}/auth/tokens", response, [password])
      end

      # Project and user of the login, from Keystone's answer.
      def token_info
        authenticate unless @token
        @info
      end

      private

      def call(verb, service, path, query: {}, body: nil, stream: nil, headers: {}, repeatable: verb != 'POST',
               secrets: [])
        logins = 0
        begin
          url = base(service) + path
          url += (path.include?('?') ? '&' : '?') + URI.encode_www_form(query) unless query.empty?
          response = exchange(verb, service, url, body, stream, headers, repeatable)
          raise failure(verb, url, response, secrets) unless response.is_a?(Net::HTTPSuccess)
          parse(response)
        rescue TokenRefused
          raise if @credentials.token || logins >= LOGINS
          @token = nil
          sleep(logins)
          logins += 1
          retry
        end
      end

      def exchange(verb, service, url, body, stream, headers, repeatable)
        sent = { 'X-Auth-Token' => token }.merge(HEADERS.fetch(service, {}))
        sent['Content-Type'] = 'application/json' if body
        started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
        response = @transport.send_request(verb, url, :headers => sent.merge(headers), :repeatable => repeatable,
                                                      :body => stream || (body && JSON.generate(body)))
        seconds = Process.clock_gettime(Process::CLOCK_MONOTONIC) - started
        Puppet.debug(format('%s %s: %s in %.2f s', verb, url, response.code, seconds))
        response
      end

      def token
        authenticate if @token.nil? || Time.now > @expires - 60
        @token
      end

      def authenticate
        response = login(@credentials.to_auth)
        unless response.code == '201'
          raise failure('POST', "#{@credentials.identity_url}/auth/tokens", response, [],
                        " as #{@credentials}, #{@credentials.scope} scope")
        end
        @info = JSON.parse(response.body)['token']
        @catalog = @info['catalog'] || []
        @expires = Time.parse(@info['expires_at'])
        @token = response['X-Subject-Token']
      end

      def login(auth)
        @transport.send_request('POST', "#{@credentials.identity_url}/auth/tokens",
                                :body => JSON.generate(auth), :repeatable => true,
                                :headers => { 'Content-Type' => 'application/json' })
      end

      def base(service)
        # Not from the catalog, because resources of this run may have to correct that.
        return @credentials.identity_url if service == :identity
        endpoint = endpoint(service)
        if endpoint.nil?
          # The endpoint may have been registered after the login.
          @token = nil
          endpoint = endpoint(service)
        end
        raise RestError, no_endpoint(service) if endpoint.nil?
        endpoint = endpoint.sub(%r{/+\z}, '')
        endpoint =~ %r{/v\d[^/]*(/[^/]+)?\z} ? endpoint : "#{endpoint}/#{VERSIONS.fetch(service)}"
      end

      def endpoint(service)
        token
        TYPES.fetch(service).each do |type|
          endpoints = @catalog.select { |s| s['type'] == type }.flat_map { |s| s['endpoints'] || [] }
          endpoints = endpoints.select { |e| e['interface'] == interface }
          region = @credentials.region_name
          endpoints = endpoints.select { |e| [e['region'], e['region_id']].include?(region) } if region
          return endpoints.first['url'] unless endpoints.empty?
        end
        nil
      end

      def interface
        (@credentials.interface || 'public').to_s.sub(/URL\z/, '')
      end

      def no_endpoint(service)
        "Keystone's catalogue has no #{interface} endpoint of type #{TYPES.fetch(service).join(' or ')}" \
          "#{@credentials.region_name ? " in region #{@credentials.region_name}" : ''}"
      end

      def parse(response)
        return {} if response.body.nil? || response.body.strip.empty?
        JSON.parse(response.body)
      rescue JSON::ParserError
        {}
      end

      def failure(verb, url, response, secrets, more = '')
        kind = { '401' => @token ? TokenRefused : Unauthorized, '404' => NotFound, '409' => Conflict }
        kind = kind.fetch(response.code, Refused)
        text = words(response)
        (@credentials.secrets + secrets).each { |secret| text = text.gsub(secret.to_s, '[redacted]') }
        kind.new("#{verb} #{url}#{more}: HTTP #{response.code}#{text.empty? ? '' : ": #{text}"}", response.code.to_i)
      end

      # Services have different formats for messages: {"error": {"message"}}, {"NeutronError": {"message"}},
      # {"badRequest": {"message"}}; some answer in HTML.
      def words(response)
        location = response['Location']
        return "moved to #{location}" if location && response.is_a?(Net::HTTPRedirection)
        body = response.body.to_s
        parsed = begin
          JSON.parse(body)
        rescue JSON::ParserError
          nil
        end
        parsed = parsed.values.first if parsed.is_a?(Hash) && parsed.values.first.is_a?(Hash)
        body = parsed['message'] || parsed['title'] || body if parsed.is_a?(Hash)
        CGI.unescapeHTML(body.to_s.gsub(/<[^>]*>/, ' ')).gsub(/\s+/, ' ').strip[0, 400]
      end
    end
  end
end
