"""Benchmarks of fastlayer: pytest-benchmark files here, whole builds in the folders."""
