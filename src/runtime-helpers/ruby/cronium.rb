# Cronium's name for the same helpers.
require_relative 'runyard'
Cronium = Runyard unless defined?(Cronium)
