require 'ipaddr'
require 'socket'
require 'uri'

module PuppetX
  module Stackwright
    # Selects the proxy for a URL from the environment, like python-requests (and so the `openstack` command). Net::HTTP's
    # own selection is not used: it uses http_proxy for https URLs too, and supports neither "*" nor IPv6 addresses in
    # no_proxy.
    #
    # One difference: this host's own addresses are never reached through a proxy, even if no_proxy does not list them,
    # because its APIs are there.
    module Proxy
      # A URI, or nil for a direct connection.
      def self.for(uri, env = ENV)
        return nil if here?(uri.hostname)
        return nil if bypass?(uri.hostname, uri.port, variable(env, 'no_proxy').to_s)
        value = variable(env, "#{uri.scheme}_proxy") || variable(env, 'all_proxy')
        return nil if value.nil? || value.empty?
        value = "http://#{value}" unless value.include?('://')
        URI.parse(value)
      end

      def self.variable(env, name)
        env[name] || env[name.upcase]
      end

      def self.bypass?(host, port, no_proxy)
        address = address(host)
        no_proxy.split(/[\s,]+/).any? do |entry|
          next false if entry.empty?
          next true if entry == '*'
          entry = entry.sub(/\A\[(.*)\]\z/, '\1')
          network = address(entry)
          if network
            address && network.family == address.family && network.include?(address)
          else
            name = entry.downcase.sub(/\A\*?\./, '')
            name, wanted_port = name.split(':', 2)
            (wanted_port.nil? || wanted_port == port.to_s) &&
              (host.downcase == name || host.downcase.end_with?(".#{name}"))
          end
        end
      end

      def self.here?(host)
        return true if ['localhost', Socket.gethostname.downcase].include?(host.downcase)
        address = address(host)
        !address.nil? && (address.loopback? || Socket.ip_address_list.any? { |own| own.ip_address == address.to_s })
      end

      def self.address(text)
        IPAddr.new(text)
      rescue IPAddr::Error
        nil
      end
      private_class_method :variable, :bypass?, :here?, :address
    end
  end
end
