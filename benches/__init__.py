"""Benchmarks of fastlayer: pytest-benchmark files here, other tools in `compare`."""
