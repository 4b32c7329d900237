"""fastlayer's output in the hands of the tools that people load, copy and unpack images with."""
