"""How near a layer comes to what the machine can do: `python -m benches.limit TREE`."""
