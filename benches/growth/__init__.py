"""How the cost of a build grows with what is built: `python -m benches.growth`."""
