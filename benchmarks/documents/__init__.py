"""Renders numbers and tables of README and docs from results/."""

import support as support  # puts the folder on the path that has reproductions/
