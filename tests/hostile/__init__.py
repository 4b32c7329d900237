"""Archives, images and texts that were made to do harm, and what becomes of each."""
