# frozen_string_literal: true

# The helpers of a script that runs as an event. What each does: docs/helpers.md; how they ask: PROTOCOL.md.
# Nothing but the standard library, Ruby 2.7 and later.
require 'erb'
require 'json'
require 'net/http'
require 'securerandom'
require 'socket'
require 'stringio'

module Runyard
  # What Runyard refused, or that it cannot be asked. `code` as in PROTOCOL.md, `status` of HTTP.
  class HelperError < StandardError
    attr_reader :code, :status

    def initialize(message, code: nil, status: nil)
      super(message)
      @code = code
      @status = status
    end
  end

  # Net::HTTP over a unix socket.
  class Connection < Net::HTTP
    def initialize(path, _port = nil)
      super('runyard', 80)
      @path = path
      self.max_retries = 0
      self.read_timeout = nil
      self.write_timeout = nil
    end

    def connect
      @socket = Net::BufferedIO.new(UNIXSocket.new(@path), read_timeout: nil, write_timeout: nil)
    end
  end

  BINARY = 'application/octet-stream'
  GONE = [Errno::ECONNREFUSED, Errno::ENOENT, Errno::ECONNRESET, Errno::EPIPE, Errno::EAGAIN, EOFError].freeze
  private_constant :Connection, :GONE

  module_function

  # A value for JSON, a String for all else; nil when there is none.
  def input
    ask(Net::HTTP::Get.new('/v1/input')) do |response|
      bytes = response.read_body
      next nil if response.code == '204'

      type = response['content-type'] || BINARY
      next JSON.parse(bytes) if type.match?(%r{\Aapplication/([\w.-]+\+)?json\b}i)

      type.match?(%r{\Atext/}i) ? bytes.force_encoding('UTF-8') : bytes.force_encoding('BINARY')
    end
  end

  # Yields the input piece by piece; gives its content type, or nil when there is none.
  def input_stream
    ask(Net::HTTP::Get.new('/v1/input')) do |response|
      next nil if response.code == '204'

      response.read_body { |piece| yield piece }
      response['content-type']
    end
  end

  def input_file(path)
    # Only then is the file made.
    file = nil
    type = input_stream { |piece| (file ||= File.open(path, 'wb')).write(piece) }
    File.write(path, '') if type && file.nil?
    type && path
  ensure
    file&.close
  end

  # A binary String goes as it is, and so does any String with a `type`; all else goes as JSON.
  def output(value, type: nil)
    raw = value.is_a?(String) && (!type.nil? || value.encoding == Encoding::BINARY)
    request = Net::HTTP::Put.new('/v1/output')
    request['content-type'] = type || (raw ? BINARY : 'application/json')
    request.body = raw ? value : JSON.generate(value)
    ask(request, &:read_body)
    nil
  end

  # `source`: an IO to read bytes from.
  def output_stream(source, type: BINARY)
    call('GET', '/v1/health') # It can be sent only once: that somebody is there is asked first.
    request = Net::HTTP::Put.new('/v1/output')
    request['content-type'] = type
    request['transfer-encoding'] = 'chunked'
    request.body_stream = source
    ask(request, again: false, &:read_body)
    nil
  end

  def output_file(path, type: BINARY)
    File.open(path, 'rb') do |file|
      request = Net::HTTP::Put.new('/v1/output')
      request['content-type'] = type
      request.content_length = file.size
      request.body_stream = file
      ask(request, &:read_body)
    end
    nil
  end

  def get_variable(name, missing = nil)
    found = call('GET', path_of(name))
    found['exists'] ? found['value'] : missing
  end

  def variable_exists(name)
    call('GET', path_of(name))['exists']
  end

  def set_variable(name, value, scope: nil)
    call('PUT', path_of(name), { value: value, **{ scope: scope }.compact })
    nil
  end

  def delete_variable(name, scope: nil)
    query = scope ? "?scope=#{ERB::Util.url_encode(scope)}" : ''
    call('DELETE', path_of(name) + query, once: true)['existed']
  end

  def increment_variable(name, by = 1, scope: nil)
    call('POST', "#{path_of(name)}/increment", { by: by, scope: scope }.compact, once: true)['value']
  end

  def append_variable(name, text, scope: nil)
    call('POST', "#{path_of(name)}/append", { text: text.to_s, scope: scope }.compact, once: true)['value']
  end

  def list_variables
    call('GET', '/v1/variables')['names']
  end

  def set_condition(value)
    unless [true, false].include?(value)
      raise HelperError.new("value: a condition is true or false, not #{value.inspect}", code: 'invalid_argument')
    end

    call('POST', '/v1/condition', { value: value })
    nil
  end

  def event
    call('GET', '/v1/event')
  end

  def event_field(name)
    event[name.to_s]
  end

  def progress(percent = nil, text = nil)
    call('POST', '/v1/progress', { percent: percent, text: text }.compact)
    nil
  end

  # `content`: a text, or the input of the channel's action as a Hash. Gives the id of the delivery.
  def send_message(channel, content = {}, action: nil, template: nil)
    filled = content.is_a?(String) ? { text: content } : content
    params = { channel: channel, action: action, template: template, input: filled }.compact
    call('POST', '/v1/messages', params, once: true)['delivery_id']
  end

  def execute_tool_action(channel, action, content = {})
    send_message(channel, content, action: action)
  end

  class << self
    {
      input_stream: :inputStream, input_file: :inputFile, output_stream: :outputStream, output_file: :outputFile,
      get_variable: :getVariable, set_variable: :setVariable, variable_exists: :variableExists,
      delete_variable: :deleteVariable, increment_variable: :incrementVariable, append_variable: :appendVariable,
      list_variables: :listVariables, set_condition: :setCondition, event_field: :eventField,
      send_message: :sendMessage, execute_tool_action: :executeToolAction
    }.each { |name, other| alias_method other, name }
    %i[send_email sendEmail send_slack_message sendSlackMessage send_discord_message sendDiscordMessage].each do |other|
      alias_method other, :send_message
    end

    private

    def path_of(name)
      raise HelperError.new('name: must be a text that is not empty', code: 'invalid_argument') if name.to_s.empty?

      "/v1/variables/#{ERB::Util.url_encode(name.to_s)}"
    end

    # Most calls: an object there, an object back. `once`: must not take effect twice.
    def call(method, path, params = nil, once: false)
      request = Net::HTTP.const_get(method.capitalize).new(path)
      request['idempotency-key'] = SecureRandom.uuid if once
      if params
        request['content-type'] = 'application/json'
        request.body = json_of(params)
      end
      JSON.parse(ask(request, &:read_body) || '{}')
    end

    def json_of(params)
      "{#{params.map { |field, value| "#{JSON.generate(field.to_s)}:#{part_of(field, value)}" }.join(',')}}"
    end

    def part_of(field, value)
      JSON.generate(value)
    rescue JSON::GeneratorError => e
      raise HelperError.new("#{field}: #{e.message}", code: 'invalid_argument')
    end

    # Until it is answered; yields a response of status 2xx. `again`: false when its body can be read only once.
    def ask(request, again: true)
      place, token = where
      request['authorization'] = "Bearer #{token}"
      patience = Float(ENV.fetch('RUNYARD_HELPER_PATIENCE_SECONDS', '60'))
      begun = now
      pause = 0.05
      failure = nil
      loop do
        least = 0.0
        answered = false
        begin
          Connection.new(place, nil, nil).start do |http|
            http.request(request) do |response|
              answered = response.is_a?(Net::HTTPSuccess)
              return yield(response) if answered

              failure = refusal(response)
              raise failure unless [503, 504].include?(failure.status) || (failure.status == 429 && response['retry-after'])

              least = (response['retry-after'] || 0).to_f
            end
          end
        rescue *GONE => e
          raise HelperError.new("the input broke off: #{e.message}", code: 'unavailable') if answered

          failure = HelperError.new("Runyard's runner does not answer at #{place}: #{e.message}", code: 'unavailable')
        end
        wait = [pause, least].max
        raise failure if !again || now - begun + wait > patience

        sleep wait
        pause = [2 * pause, 2.0].min
        request.body_stream&.rewind
      end
    end

    def refusal(response)
      status = response.code.to_i
      error = JSON.parse(response.read_body).fetch('error')
      HelperError.new(error.fetch('message'), code: error['code'], status: status)
    rescue JSON::ParserError, KeyError, TypeError
      HelperError.new("HTTP #{status}", status: status)
    end

    def where
      path = [ENV['RUNYARD_SOCKET'], ENV['CRONIUM_RUNTIME_API'].to_s.sub(%r{\Aunix:(//)?}, '')].find { |one| !one.to_s.empty? }
      token = [ENV['RUNYARD_TOKEN'], ENV['CRONIUM_EXECUTION_TOKEN']].find { |one| !one.to_s.empty? }
      return [path, token] if path && token

      missing = path ? 'RUNYARD_TOKEN' : 'RUNYARD_SOCKET'
      raise HelperError.new("#{missing} is not set, so nothing can be asked of Runyard: " \
                            'run this script as an event, or by "runyard run --helpers"', code: 'no_event')
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
