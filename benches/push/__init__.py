"""What a push to a registry costs beside a build to a file: `python -m benches.push TREE`."""
