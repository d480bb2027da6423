# Cronium's name for the same helpers.
# shellcheck source=runyard.sh
source "${BASH_SOURCE[0]%/*}/runyard.sh"
