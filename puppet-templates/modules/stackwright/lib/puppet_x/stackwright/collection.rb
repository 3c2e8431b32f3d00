require_relative 'errors'

module PuppetX
  module Stackwright
    # A list from an API that is cached for a short time, so that a hundred resources of a type need one request instead
    # of a hundred. Changes by the providers update it at once. Changes by others (an exec of the same run) are visible
    # after MAX_AGE seconds; until then, creating such an object again causes a conflict, which the provider handles.
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

      # The next access reads it again.
      def expire
        @items = nil
        self
      end

      # Keystone truncates lists if the administrator has set a limit.
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

      # Nova and Cinder link to the rest of a long list. The link is absolute; only its query is used.
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
