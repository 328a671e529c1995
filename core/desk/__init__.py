"""A trading session in memory: plan and tapes in, records out, a person's commands on the way."""
