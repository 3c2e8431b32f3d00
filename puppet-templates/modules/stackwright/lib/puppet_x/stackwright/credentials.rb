require 'yaml'
require_relative 'errors'

module PuppetX
  module Stackwright
    # How to log in to Keystone: the sources, and their order, are those of openstacklib's auth.rb.
    #
    # 1. The environment's OS_ variables, if they are complete and fit the wanted scope.
    # 2. /etc/openstack/puppet/clouds.yaml (from the administrator), else admin-clouds.yaml (from keystone::bootstrap),
    #    with the entries "project" and "system".
    # 3. ~/openrc, else /root/openrc.
    # 4. [keystone_authtoken] of a service, for hosts that have nothing else (openstacklib before release 23).
    class Credentials
      FIELDS = [
        :auth_url, :username, :user_id, :user_domain_name, :user_domain_id, :password,
        :project_name, :project_id, :project_domain_name, :project_domain_id,
        :domain_name, :domain_id, :system_scope, :token,
        :region_name, :interface, :cacert, :cert, :key, :insecure
      ].freeze

      CLOUDS_FILES = ['/etc/openstack/puppet/clouds.yaml', '/etc/openstack/puppet/admin-clouds.yaml'].freeze

      attr_reader :source, *FIELDS

      # values: Hash by the names in FIELDS. source: where they came from, for messages.
      def initialize(values, source)
        FIELDS.each do |field|
          value = values[field]
          instance_variable_set("@#{field}", value.nil? || value.to_s.empty? ? nil : value)
        end
        @source = source
        @cacert ||= ENV['OS_CACERT']
        @insecure = [true, 'true', 'True', '1', 'yes'].include?(@insecure || ENV['OS_INSECURE'])
      end

      def complete?
        return false unless @auth_url
        return true if @token
        !!((@username || @user_id) && @password && scope)
      end

      def scope
        return 'project' if @project_name || @project_id
        return 'domain' if @domain_name || @domain_id
        return 'system' if @system_scope
        nil
      end

      # The URL of the Identity API, version 3, without a trailing slash.
      def identity_url
        @auth_url.to_s.sub(%r{/+\z}, '').sub(%r{/v(3|2\.0)\z}, '') + '/v3'
      end

      # The body of POST /v3/auth/tokens.
      def to_auth
        identity = if @token
                     { 'methods' => ['token'], 'token' => { 'id' => @token } }
                   else
                     user = { 'password' => @password }
                     if @user_id
                       user['id'] = @user_id
                     else
                       user['name'] = @username
                       user['domain'] = domain(@user_domain_id, @user_domain_name)
                     end
                     { 'methods' => ['password'], 'password' => { 'user' => user } }
                   end
        auth = { 'identity' => identity }
        wanted = scope_body
        auth['scope'] = wanted if wanted
        { 'auth' => auth }
      end

      def secrets
        [@password, @token].compact
      end

      # Objects with equal values are the same login; they are the keys of sessions.
      def ==(other)
        other.is_a?(Credentials) && FIELDS.all? { |f| send(f) == other.send(f) }
      end
      alias eql? ==

      def hash
        FIELDS.map { |f| send(f) }.hash
      end

      def to_s
        who = @username || @user_id || 'a token'
        "#{who} (#{@source})"
      end

      def inspect
        "#<#{self.class.name} #{self}>"
      end

      private

      def domain(id, name)
        id ? { 'id' => id } : { 'name' => name || 'Default' }
      end

      def scope_body
        case scope
        when 'project'
          return { 'project' => { 'id' => @project_id } } if @project_id
          { 'project' => { 'name' => @project_name, 'domain' => domain(@project_domain_id, @project_domain_name) } }
        when 'domain' then { 'domain' => @domain_id ? { 'id' => @domain_id } : { 'name' => @domain_name } }
        when 'system' then { 'system' => { 'all' => true } }
        end
      end

      class << self
        # The credentials for a scope, 'project' or 'system'. conf: a service's configuration file with a
        # [keystone_authtoken] section, as the last resort. Raises NoCredentials.
        #
        # Files are read again when they have changed, because Puppet writes some of them during a run.
        def find(scope, conf = nil)
          state = [scope, conf, environment] + watched(conf).map { |path| signature(path) }
          @known ||= {}
          known = @known[[scope, conf]]
          return known[1] if known && known[0] == state
          found = look(scope, conf)
          @known[[scope, conf]] = [state, found]
          found
        end

        private

        def look(scope, conf)
          given = from_environment
          return given if usable?(given) && [nil, scope].include?(given.scope)

          # Credentials of the other scope come last; with most policies, an admin's project token is enough.
          found = [from_clouds_files(scope), from_rc_file, from_conf(conf), given].find { |c| usable?(c) }
          return found if found

          raise NoCredentials, "no way to log in to Keystone for #{scope} requests: looked at the environment " \
                               "(OS_AUTH_URL and others), #{(CLOUDS_FILES + rc_files).uniq.join(', ')}" \
                               "#{conf ? " and [keystone_authtoken] of #{conf}" : ''}"
        end

        def usable?(credentials)
          !credentials.nil? && credentials.complete?
        end

        def environment
          ENV.select { |key, _| key.start_with?('OS_') }.to_h
        end

        def rc_files
          ["#{ENV['HOME']}/openrc", '/root/openrc'].uniq
        end

        def watched(conf)
          CLOUDS_FILES + rc_files + [ENV['OS_CLIENT_CONFIG_FILE'], conf].compact
        end

        def signature(path)
          stat = File.stat(path)
          [stat.mtime.to_f, stat.size, stat.ino]
        rescue SystemCallError
          nil
        end

        def from_environment
          env = environment
          return nil if env.empty?
          return from_cloud(env['OS_CLOUD'], client_config_file) if env['OS_CLOUD']
          new(by_field(env), 'environment')
        end

        def client_config_file
          [ENV['OS_CLIENT_CONFIG_FILE'], 'clouds.yaml', "#{ENV['HOME']}/.config/openstack/clouds.yaml",
           '/etc/openstack/clouds.yaml'].compact.find { |path| File.exist?(path) }
        end

        def by_field(env)
          values = {}
          FIELDS.each { |field| values[field] = env["OS_#{field.to_s.upcase}"] }
          values[:project_name] ||= env['OS_TENANT_NAME']
          values[:project_id] ||= env['OS_TENANT_ID']
          values[:user_domain_id] ||= env['OS_DEFAULT_DOMAIN'] unless values[:user_domain_name]
          values[:project_domain_id] ||= env['OS_DEFAULT_DOMAIN'] unless values[:project_domain_name]
          values[:interface] ||= env['OS_ENDPOINT_TYPE']
          values
        end

        def from_clouds_files(scope)
          path = CLOUDS_FILES.find { |candidate| File.exist?(candidate) }
          return nil unless path
          from_cloud(scope, path) || from_cloud('project', path)
        end

        def from_cloud(name, path)
          return nil unless path
          document = YAML.parse(File.read(path))
          content = document ? plain(document.root) : {}
          cloud = content.fetch('clouds', {})[name]
          return nil unless cloud
          values = {}
          cloud.fetch('auth', {}).merge(cloud).each { |key, value| values[key.to_sym] = value }
          values[:insecure] = 'true' if cloud['verify'].to_s.casecmp('false').zero?
          new(values, "#{path}, cloud \"#{name}\"")
        rescue Psych::SyntaxError => e
          raise NoCredentials, "#{path} cannot be read as YAML (line #{e.line})"
        end

        # Reads every scalar as text, because openstacklib's template does not quote, and a password of digits must not
        # become a number.
        def plain(node)
          case node
          when Psych::Nodes::Mapping
            node.children.each_slice(2).map { |key, value| [plain(key), plain(value)] }.to_h
          when Psych::Nodes::Sequence then node.children.map { |child| plain(child) }
          when Psych::Nodes::Scalar then node.value
          end
        end

        def from_rc_file
          path = rc_files.find { |candidate| File.exist?(candidate) }
          return nil unless path
          env = {}
          File.readlines(path).each do |line|
            match = line.strip.match(/\A(?:export\s+)?(OS_\w+)=(.*)\z/)
            env[match[1]] = match[2].sub(/\A(['"])(.*)\1\z/, '\2') if match
          end
          new(by_field(env), path)
        end

        # A value as oslo.config reads it: without a pair of quotes around it, `$$` and `\$` as a dollar sign.
        def oslo(text)
          text.sub(/\A(['"])(.*)\1\z/, '\2').gsub('\$') { '$$' }.gsub('$$') { '$' }
        end

        def from_conf(path)
          return nil unless path && File.exist?(path)
          section = nil
          read = {}
          File.readlines(path).each do |line|
            case line.strip
            when /\A\[(.+)\]\z/ then section = Regexp.last_match(1)
            when /\A([^#;=\s][^=]*?)\s*=\s*(.*)\z/
              read[Regexp.last_match(1)] = oslo(Regexp.last_match(2)) if section == 'keystone_authtoken'
            end
          end
          values = {}
          FIELDS.each { |field| values[field] = read[field.to_s] }
          values.merge!(:cacert => read['cafile'], :cert => read['certfile'], :key => read['keyfile'])
          new(values, "#{path}, [keystone_authtoken]")
        end
      end
    end
  end
end
