require 'puppet/provider'
require_relative 'errors'
require_relative 'session'

module PuppetX
  module Stackwright
    # What the REST providers have in common. A subclass says how a thing is found (`look`), made, changed and listed.
    #
    # Nothing is read ahead of time: Puppet prefetches a type when its first resource comes up, and in a first run the
    # API need not be there then. A thing is looked for when its own turn comes.
    class RestProvider < Puppet::Provider
      # All providers of this kind are the default on every system: the stock ones claim nothing.
      def self.takes_precedence
        defaultfor :kernel => 'linux'
      end

      # Setters whose values `flush` sends together.
      def self.changeable(*names)
        names.each do |name|
          define_method("#{name}=") { |value| @changes[name] = value }
        end
      end

      # Setters of attributes that the API cannot change.
      def self.fixed(*names)
        names.each do |name|
          define_method("#{name}=") do |_value|
            raise Puppet::Error, "#{name} cannot be changed once the resource exists"
          end
        end
      end

      # Getters that show a field of the API's answer as it is; :absent where there is none.
      def self.shown(names)
        names.each do |name, field|
          define_method(name) do
            value = thing && thing[field]
            value.nil? ? :absent : value
          end
        end
      end

      def self.session
        Session.for('project')
      end

      def initialize(value = {})
        super(value)
        @changes = {}
      end

      def session
        self.class.session
      end

      # The API's own description of this resource as a Hash with an id, nil if there is none.
      def thing
        return @property_hash[:thing] if @property_hash[:thing]
        @thing ||= look
      end

      def exists?
        forget
        !thing.nil?
      end

      def id
        thing ? thing['id'] : :absent
      end

      # Makes something by POST. The block looks for it: it may be there after all when the connection broke, or when
      # somebody else made it meanwhile (then the API speaks of a conflict). Yields nothing, returns what was made or
      # found, and whether it was made here.
      def make(service, path, body, secrets: [])
        attempts = 0
        begin
          [session.post(service, path, body, :secrets => secrets), true]
        rescue Uncertain, Conflict => e
          found = yield
          return [found, false] if found
          attempts += 1
          raise if e.is_a?(Conflict) || attempts > 3
          retry
        end
      end

      private

      def forget
        @thing = nil
      end

      def truth(value)
        ['true', 'yes'].include?(value.to_s.downcase)
      end

      def symbol(value)
        value ? :true : :false
      end

      # A truth value as Neutron's types write that property: True or False, and symbols since release 27 of the modules.
      def word(name, value)
        return symbol(value) if @resource && @resource[name].is_a?(Symbol)
        value ? 'True' : 'False'
      end

      def false?(value)
        value.to_s.downcase == 'false'
      end

      # The id of the project that a parameter names; raises if there is none. As the `openstack` command does, an id
      # counts too.
      def id_of_project(name)
        found = projects(name)
        raise Puppet::Error, "there is no project #{name}" if found.empty?
        (found.find { |project| project['domain_id'] == 'default' } || found.first)['id']
      end

      def projects(name)
        found = session.get(:identity, '/projects', 'name' => name)['projects'] || []
        return found unless found.empty?
        [session.get(:identity, "/projects/#{URI.encode_www_form_component(name)}")['project']].compact
      rescue NotFound
        []
      end
    end
  end
end
