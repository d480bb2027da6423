# As driver.cjs.
require 'cronium'
$stdout.sync = true

OPERATIONS = {
  'get' => ->(name) { Cronium.getVariable(name) },
  'exists' => ->(name) { Cronium.variable_exists(name) },
  'set' => ->(name, json) { Cronium.setVariable(name, JSON.parse(json)) },
  'delete' => ->(name) { Cronium.delete_variable(name) },
  'increment' => ->(name, by) { Cronium.increment_variable(name, JSON.parse(by)) },
  'scoped' => lambda do |name|
    Cronium.set_variable(name, 'a', scope: 'global')
    Cronium.append_variable(name, 'b', scope: 'global')
    Cronium.delete_variable(name, scope: 'global')
  end,
  'increments' => lambda do |name, times|
    Array.new(5) { Thread.new { (Integer(times) / 5).times { Cronium.incrementVariable(name) } } }.each(&:join) && nil
  end,
  'append' => ->(name, json) { Cronium.append_variable(name, JSON.parse(json)) },
  'unnamed' => -> { Cronium.set_variable('', 1) },
  'nan' => -> { Cronium.set_variable('n', { a: Float::NAN }) },
  'names' => -> { Cronium.list_variables.map { |one| one['name'] } },
  'condition' => ->(json) { Cronium.setCondition(JSON.parse(json)) },
  'event' => -> { Cronium.event },
  'progress' => ->(percent, json) { Cronium.progress(Float(percent), JSON.parse(json)) },
  'send' => ->(channel, json) { Cronium.send_message(channel, JSON.parse(json)) },
  'input' => -> { Cronium.input },
  'output' => ->(json) { Cronium.output(JSON.parse(json)) },
  'echo' => -> { Cronium.output(Cronium.input) },
  'input_file' => ->(path) { Cronium.input_file(path) },
  'output_file' => ->(path) { Cronium.output_file(path) },
  'pipe' => lambda do
    IO.pipe do |from, to|
      [from, to].each(&:binmode)
      reader = Thread.new { Cronium.input_stream { |piece| to.write(piece) } && to.close }
      Cronium.output_stream(from)
      reader.join
      nil
    end
  end
}.freeze

$stdin.each_line do |line|
  operation, *given = line.force_encoding('UTF-8').chomp.split("\t")
  begin
    told = ['ok', JSON.generate(OPERATIONS.fetch(operation).call(*given))]
  rescue StandardError => e
    told = ['error', e.message]
  end
  puts "#{told[0]}\t#{[told[1]].pack('m0')}"
end
