require_relative 'rest_provider'

module PuppetX
  module Stackwright
    # Shared code of the providers of Neutron's types. A catalog has few such resources, so each is requested by name.
    class NetworkProvider < RestProvider
      def self.session
        Session.for('project', '/etc/neutron/neutron.conf')
      end

      # security_groups are at /security-groups.
      def self.path(plural)
        "/#{plural.tr('_', '-')}"
      end

      # All objects of a kind, for `puppet resource`. plural: the name of the kind in the API.
      def self.every(plural)
        session.collection(:network, path(plural), plural).expire.all
      end

      private

      # The object with that name, nil if there is none. Names in Neutron need not be unique: one in the wanted project
      # is preferred, then the first.
      def named(plural, name)
        found = session.get(:network, self.class.path(plural), 'name' => name)[plural] || []
        return found.first if found.length < 2
        owner = owner_id
        found.find { |item| owner && item['project_id'] == owner } || found.first
      end

      # The id of an object, by name or id, like in the `openstack` command.
      def reference(plural, what)
        found = named(plural, what)
        return found['id'] if found
        session.get(:network, "#{self.class.path(plural)}/#{URI.encode_www_form_component(what)}")
        what
      rescue NotFound
        raise Puppet::Error, "there is no #{plural.sub(/s\z/, '')} #{what}"
      end

      def name_of(plural, id)
        return nil if id.nil?
        (session.get(:network, self.class.path(plural), 'id' => id)[plural] || []).map { |item| item['name'] }.first
      end

      # A parameter that only older types have.
      def optional(name)
        @resource.class.validattr?(name) ? @resource[name] : nil
      end

      # The project of a resource; nil for the project of the login.
      def owner_id
        name = optional(:tenant_name) || optional(:project_name)
        id = optional(:tenant_id) || optional(:project_id)
        name ? id_of_project(name) : id
      end

      def send_changes(plural, key)
        attributes = yield
        @changes.clear
        return if attributes.empty?
        session.put(:network, "#{self.class.path(plural)}/#{id}", { key => attributes })
        forget
      end

      # A single hint as a value, several as an Array, like in the stock providers.
      def hints
        list = thing['availability_zone_hints'] || []
        return :absent if list.empty?
        list.length > 1 ? list : list.first
      end

      def add(plural, key, attributes)
        owner = owner_id
        attributes['project_id'] = owner if owner
        answer, made = make(:network, self.class.path(plural), { key => attributes }) { look }
        @thing = made ? answer[key] : answer
      end
    end
  end
end
