"""Measures fastlayer against what people use today: `python -m benches.compare TREE`."""
