require 'tempfile'
require 'uri'
require_relative '../../../puppet_x/stackwright/download'
require_relative '../../../puppet_x/stackwright/rest_provider'

Puppet::Type.type(:glance_image).provide(
  :rest, :parent => PuppetX::Stackwright::RestProvider, :source => :openstack
) do
  desc 'Manages images through the Image API.'
  takes_precedence
  changeable :is_public, :container_format, :disk_format, :min_ram, :min_disk, :properties, :image_tag, :project_id
  fixed :id
  shown :container_format => 'container_format', :disk_format => 'disk_format', :project_id => 'owner'

  def self.session
    PuppetX::Stackwright::Session.for('project', '/etc/glance/glance-api.conf')
  end

  # Fields of an image that are not custom properties.
  def self.own_fields
    ['id', 'name', 'status', 'visibility', 'protected', 'checksum', 'owner', 'container_format', 'disk_format', 'size',
     'virtual_size', 'min_disk', 'min_ram', 'created_at', 'updated_at', 'self', 'file', 'schema', 'tags', 'locations',
     'direct_url', 'stores', 'os_hash_algo', 'os_hash_value', 'os_hidden']
  end

  def self.instances
    images = []
    answer = session.get(:image, '/images', 'limit' => 100)
    loop do
      images.concat(answer['images'])
      break unless answer['next']
      answer = session.get(:image, answer['next'].sub(%r{\A/v2}, ''))
    end
    images.map { |image| new(:name => image['name'], :ensure => :present, :thing => image) if image['name'] }.compact
  end

  # An image without data (after an interrupted upload) counts as absent; `create` uploads its data.
  def look
    named.find { |image| image['status'] != 'queued' }
  end

  def id
    thing['id']
  end

  def is_public
    symbol(thing['visibility'] == 'public')
  end

  def min_ram
    thing['min_ram'].to_s
  end

  def min_disk
    thing['min_disk'].to_s
  end

  # The `openstack` command adds properties of its own to images that it uploads.
  def properties
    thing.reject { |key, _| self.class.own_fields.include?(key) || key.start_with?('owner_specified.') }
  end

  def image_tag
    tags = thing['tags'] || []
    return @resource[:image_tag] if @resource[:image_tag] && tags.include?(@resource[:image_tag])
    tags.empty? ? :absent : tags.join(',')
  end

  def create
    raise Puppet::Error, 'the parameter source (a file or a URL) of the image is missing' unless source || location
    with_source do |file|
      image = blank || make_blank
      begin
        fill(image, file)
      rescue PuppetX::Stackwright::RestError
        # Remove the incomplete image, because its name would suggest that it is usable.
        session.delete(:image, "/images/#{image['id']}")
        raise
      end
    end
    forget
  end

  def destroy
    session.delete(:image, "/images/#{id}")
  end

  def flush
    return if @changes.empty?
    patch(thing, attributes(@changes))
    @changes.clear
    forget
  end

  private

  def named
    found = session.get(:image, '/images', 'name' => @resource[:name])['images'] || []
    wanted = @resource[:id]
    wanted ? found.sort_by { |image| image['id'] == wanted ? 0 : 1 } : found
  end

  def blank
    found = named.find { |image| image['status'] == 'queued' }
    found && patch(found, attributes(@resource))
  end

  def make_blank
    body = attributes(@resource).merge('name' => @resource[:name])
    body['id'] = @resource[:id] if @resource[:id]
    owner = @resource[:project_name] ? id_of_project(@resource[:project_name]) : nil
    body['owner'] = owner if owner
    answer, = make(:image, '/images', body) { named.find { |image| image['status'] == 'queued' } }
    answer
  end

  # The fields of the API. from: the resource, or the changes to it.
  def attributes(from)
    out = {}
    out['visibility'] = from[:is_public] == :true ? 'public' : 'private' if from[:is_public]
    [:container_format, :disk_format].each { |name| out[name.to_s] = from[name].to_s if from[name] }
    [:min_ram, :min_disk].each { |name| out[name.to_s] = from[name].to_s.to_i if from[name] }
    out['owner'] = from[:project_id] if from[:project_id]
    out['tags'] = [from[:image_tag]] if from[:image_tag]
    (from[:properties] || {}).each { |key, value| out[key.to_s] = value.to_s }
    out
  end

  def patch(image, attributes)
    operations = attributes.reject { |key, value| image[key] == value }.map do |key, value|
      # Tags that others have set are kept.
      value = ((image['tags'] || []) + value).uniq if key == 'tags'
      { 'op' => image.key?(key) ? 'replace' : 'add', 'path' => "/#{key.gsub('~', '~0').gsub('/', '~1')}", 'value' => value }
    end
    return image if operations.empty?
    session.patch(:image, "/images/#{image['id']}", operations,
                  :headers => { 'Content-Type' => 'application/openstack-images-v2.1-json-patch' })
  end

  def fill(image, file)
    if file
      session.upload(:image, "/images/#{image['id']}/file", file)
    else
      session.patch(:image, "/images/#{image['id']}",
                    [{ 'op' => 'add', 'path' => '/locations/-', 'value' => { 'url' => location, 'metadata' => {} } }],
                    :headers => { 'Content-Type' => 'application/openstack-images-v2.1-json-patch' })
    end
  end

  def source
    @resource[:source]
  end

  # Newer types do not have it.
  def location
    @resource.class.validattr?(:location) ? @resource[:location] : nil
  end

  # Yields the source as an open file; nil if a location is used.
  def with_source
    return yield(nil) if source.nil?
    path = source.sub(%r{\Afile://}, '')
    return File.open(path, 'rb') { |file| yield(file) } if path.start_with?('/')
    Tempfile.create('stackwright-image') do |file|
      file.binmode
      PuppetX::Stackwright::Download.fetch(source, file, :proxy => @resource[:proxy])
      file.rewind
      yield(file)
    end
  end
end
