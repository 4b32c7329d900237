"""What goes with a release: licences of what is linked in, and the check of what is published."""
