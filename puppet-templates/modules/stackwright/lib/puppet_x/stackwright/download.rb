require 'net/http'
require 'uri'
require_relative 'errors'
require_relative 'proxy'

module PuppetX
  module Stackwright
    # Downloads a file.
    module Download
      REDIRECTIONS = 10

      # Writes the content of a URL to an IO. proxy: a URL that overrides the environment's. Raises RestError.
      def self.fetch(url, file, proxy: nil, redirections: REDIRECTIONS)
        raise RestError, "GET #{url}: redirected too often" if redirections.zero?
        uri = URI.parse(url)
        raise RestError, "#{url}: only http and https are supported" unless uri.is_a?(URI::HTTP)
        through = proxy ? URI.parse(proxy) : Proxy.for(uri)
        following = nil
        Net::HTTP.start(uri.hostname, uri.port, through && through.hostname, through && through.port,
                        :use_ssl => uri.scheme == 'https', :open_timeout => 30, :read_timeout => 120) do |http|
          http.request(Net::HTTP::Get.new(uri.request_uri)) do |response|
            case response
            when Net::HTTPSuccess then response.read_body { |part| file.write(part) }
            when Net::HTTPRedirection then following = URI.join(url, response['Location']).to_s
            else raise RestError, "GET #{url}: HTTP #{response.code}"
            end
          end
        end
        fetch(following, file, :proxy => proxy, :redirections => redirections - 1) if following
      rescue SystemCallError, SocketError, IOError, Timeout::Error, OpenSSL::SSL::SSLError => e
        raise RestError, "GET #{url}: #{e.message}"
      end
    end
  end
end
