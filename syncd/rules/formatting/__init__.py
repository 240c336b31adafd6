"""How rule files are written: one layout for all of them, and packs and cases as text. Pure; opens no file."""
