module PuppetX
  module Stackwright
    # Parses the configuration file of a service once for all of its settings. The stock provider parses it for each
    # setting: 400 times for Nova, whose file has 10,000 lines.
    #
    # It is included in providers whose parent is the stock provider, and only replaces the method that returns the
    # parsed file. The shared copy is read-only. Writers get their own freshly parsed copy, as upstream does. After that,
    # or when the file has changed in another way, it is parsed again.
    module CachedConfig
      @parsed = {}

      # The parsed file at the path, as it is now.
      def self.read(path)
        seen = signature(path)
        known = @parsed[path]
        return known[1] if known && seen && known[0] == seen
        parsed = Puppet::Util::OpenStackConfig.new(path)
        @parsed[path] = [seen, parsed]
        parsed
      end

      def self.forget(path)
        @parsed.delete(path)
      end

      def self.signature(path)
        stat = File.stat(path)
        [stat.mtime.to_r, stat.ctime.to_r, stat.size, stat.ino]
      rescue SystemCallError
        nil
      end
      private_class_method :signature

      # Defines the provider of a type, unless its stock provider is of another kind.
      def self.provide(name)
        type = Puppet::Type.type(name)
        stock = type.provider(:openstackconfig)
        return unless stock && stock.private_method_defined?(:config)
        type.provide(:cached, :parent => stock, :source => :openstackconfig) do
          desc 'Manages settings as its parent does, and parses the file once for all of them.'
          defaultfor :kernel => 'linux'
          include CachedConfig
        end
      end

      def create
        changing { super }
      end

      def destroy
        changing { super }
      end

      def value=(value)
        changing { super }
      end

      private

      def config
        @config || CachedConfig.read(file_path)
      end

      def changing
        @config = Puppet::Util::OpenStackConfig.new(file_path)
        yield
      ensure
        @config = nil
        CachedConfig.forget(file_path)
      end
    end
  end
end
