"""The job queue in a database: leases, recovery, checksums and retries."""
