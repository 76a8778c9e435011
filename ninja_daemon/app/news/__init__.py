"""The calendar of scheduled news: kept up to date beside the wakes, and found again by the commands that judge anew."""
