require_relative 'rest_provider'

module PuppetX
  module Stackwright
    # Shared code of the providers of Nova's types.
    class ComputeProvider < RestProvider
      def self.session
        Session.for('project', '/etc/nova/nova.conf')
      end

      def self.flavors
        # Private ones too; an administrator sees all.
        session.collection(:compute, '/flavors/detail', 'flavors', 'is_public' => 'None')
      end

      def self.aggregates
        session.collection(:compute, '/os-aggregates', 'aggregates')
      end

      def self.compute_services
        session.collection(:compute, '/os-services', 'services')
      end
    end
  end
end
