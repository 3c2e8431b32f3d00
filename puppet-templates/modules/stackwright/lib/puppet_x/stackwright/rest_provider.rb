require 'puppet/provider'
require_relative 'errors'
require_relative 'session'

module PuppetX
  module Stackwright
    # Base of the REST providers. A subclass defines how an object is found (`look`), created, changed and listed.
    #
    # Nothing is prefetched: Puppet prefetches a type before its first resource, and in a first run the API may not be
    # available then. An object is requested when its resource is evaluated.
    class RestProvider < Puppet::Provider
      # Makes these providers the default on every system; the stock ones have no defaultfor.
      def self.takes_precedence
        defaultfor :kernel => 'linux'
      end

      # Setters whose values `flush` sends in one request.
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

      # Getters that return a field of the API's answer unchanged; :absent if it is missing.
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

      # The object of this resource in the API as a Hash with an id, nil if there is none.
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

      # Creates an object with POST. The block searches for it, because it may exist after a lost connection, or if
      # somebody else has created it meanwhile (conflict). Returns the object, and whether it was created here.
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

      # A boolean in the form of Neutron's types: True or False, and symbols since release 27 of the modules.
      def word(name, value)
        return symbol(value) if @resource && @resource[name].is_a?(Symbol)
        value ? 'True' : 'False'
      end

      def false?(value)
        value.to_s.downcase == 'false'
      end

      # The id of the project in a parameter (name or id, like in the `openstack` command); raises if there is none.
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
