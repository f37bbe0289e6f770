"""Network files: heatloop's own, GeoJSON, tables, pandapipes; the only place that reads them."""
