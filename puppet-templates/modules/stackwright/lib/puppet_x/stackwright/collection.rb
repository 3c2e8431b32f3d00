require_relative 'errors'

module PuppetX
  module Stackwright
    # A list of an API, read with one request and kept for a moment, so that a hundred resources of a type need one
    # request and not a hundred. What the providers change is put into it at once; what others change (an exec of the
    # same run) shows after MAX_AGE seconds, and a provider that is about to create something is told of a conflict.
    class Collection
      MAX_AGE = 60

      def initialize(session, service, path, key, query)
        @session = session
        @service = service
        @path = path
        @key = key
        @query = query
      end

      def all
        load if @items.nil? || now - @read > MAX_AGE
        @items
      end

      def find(&block)
        all.find(&block)
      end

      def select(&block)
        all.select(&block)
      end

      # Adds an item, or replaces the one of the same id.
      def put(item)
        return item if @items.nil?
        index = @items.index { |known| known['id'] == item['id'] }
        index ? @items[index] = item : @items << item
        item
      end

      def drop(id)
        @items.reject! { |item| item['id'] == id } if @items
      end

      # The next look reads it again.
      def expire
        @items = nil
        self
      end

      # Keystone shortens lists when its administrator has set a limit.
      def truncated?
        all
        @truncated
      end

      private

      def load
        items = []
        answer = @session.get(@service, @path, @query)
        @truncated = answer['truncated'] ? true : false
        items.concat(answer[@key] || [])
        while (following = next_page(answer))
          answer = @session.get(@service, following)
          items.concat(answer[@key] || [])
        end
        @read = now
        @items = items
      end

      # Nova and Cinder link to the rest of a long list; the link is absolute, and only its query is of use.
      def next_page(answer)
        link = (answer["#{@key}_links"] || []).find { |l| l['rel'] == 'next' }
        link && "#{@path}?#{URI.parse(link['href']).query}"
      end

      def now
        Process.clock_gettime(Process::CLOCK_MONOTONIC)
      end
    end
  end
end
