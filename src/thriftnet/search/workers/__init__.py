"""Where jobs run: processes here, or a cluster's."""
