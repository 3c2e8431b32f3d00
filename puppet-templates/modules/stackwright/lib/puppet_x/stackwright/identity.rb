require_relative 'rest_provider'

module PuppetX
  module Stackwright
    # Shared code of the providers of Keystone's types: cached lists, and lookups by name and domain.
    class IdentityProvider < RestProvider
      DEFAULT_DOMAIN = 'Default'.freeze

      def self.session
        Session.for('system')
      end

      def self.domains
        session.collection(:identity, '/domains', 'domains')
      end

      def self.roles
        session.collection(:identity, '/roles', 'roles')
      end

      def self.services
        session.collection(:identity, '/services', 'services')
      end

      def self.endpoints
        session.collection(:identity, '/endpoints', 'endpoints')
      end

      def self.assignments
        session.collection(:identity, '/role_assignments', 'role_assignments')
      end

      # Listed by domain, because Keystone refuses to list all at once if domains have their own drivers.
      def self.users(domain_id)
        session.collection(:identity, '/users', 'users', 'domain_id' => domain_id)
      end

      def self.projects(domain_id)
        session.collection(:identity, '/projects', 'projects', 'domain_id' => domain_id)
      end

      # Each returns the object from the API, or nil.
      def self.find_domain(name)
        named(domains, name, '/domains', 'domains', {})
      end

      def self.find_user(name, domain)
        owner = find_domain(domain || DEFAULT_DOMAIN)
        owner && named(users(owner['id']), name, '/users', 'users', 'domain_id' => owner['id'])
      end

      def self.find_project(name, domain)
        owner = find_domain(domain || DEFAULT_DOMAIN)
        owner && named(projects(owner['id']), name, '/projects', 'projects', 'domain_id' => owner['id'])
      end

      # Domain-specific roles are ignored. Names in Keystone's databases are not case-sensitive.
      def self.find_role(name)
        global = roles.select { |role| role['domain_id'].nil? }
        global.find { |role| role['name'] == name } ||
          global.find { |role| role['name'].casecmp(name).zero? }
      end

      def self.named(collection, name, path, key, query)
        found = collection.find { |item| item['name'] == name }
        return found if found || !collection.truncated?
        (session.get(:identity, path, query.merge('name' => name))[key] || []).find { |item| item['name'] == name }
      end
      private_class_method :named

      # Some upstream types ask their provider for the title of another resource.
      def self.resource_to_name(domain, name, check_for_default = true)
        raise Puppet::Error, "Domain cannot be nil for '#{name}'" if domain.nil?
        check_for_default && domain == DEFAULT_DOMAIN ? name : "#{name}::#{domain}"
      end

      private

      # The value of a namevar; nil for Unset in upstream's composite names.
      def given(name)
        value = @resource[name]
        value.is_a?(Class) ? nil : value
      end

      def need_domain(name)
        self.class.find_domain(name) || raise(Puppet::Error, "there is no domain #{name}")
      end

      # Like RestProvider#make, for an item of a collection. If the item exists already, it is updated.
      def make_in(collection, path, key, attributes, secrets: [])
        answer, made = make(:identity, path, { key => attributes }, :secrets => secrets) do
          collection.expire
          look
        end
        entity = answer
        entity = answer[key] if made
        unless made
          entity = change_in(collection, "#{path}/#{entity['id']}", key, attributes.reject { |k, _| k == 'domain_id' },
                             :secrets => secrets)
        end
        collection.put(entity)
      end

      def change_in(collection, path, key, attributes, secrets: [])
        changed = session.patch(:identity, path, { key => attributes }, :secrets => secrets)[key]
        collection.put(changed)
      end
    end
  end
end
