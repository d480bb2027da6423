'use strict'
// Cronium's name for the same helpers.
module.exports = require('../runyard/index.js')
