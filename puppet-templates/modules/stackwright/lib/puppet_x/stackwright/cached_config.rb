module PuppetX
  module Stackwright
    # A service's configuration file, parsed once for all of its settings. The stock provider parses it for each, and
    # there are four hundred of Nova's, whose file has ten thousand lines.
    #
    # It goes into providers whose parent is the stock one, which does all the work: here is only where it takes the
    # parsed file from. One that is shared is only looked at. Who changes something gets a file of his own, freshly
    # parsed as upstream does; then, and when the file has changed in any other way, it is read again.
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

      # Makes the provider of a type; nothing where its stock provider is of another kind.
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
