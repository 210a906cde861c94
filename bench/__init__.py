"""What `make bench` runs: ratios against named baselines, each measured in one run."""
