"""From the bytes of a file to rows of integers: lines, fields, prices, times."""
