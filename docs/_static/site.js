// From disk, browsers refuse to read other files: there are no other versions to switch to then.
if (location.protocol === "file:") {
  delete DOCUMENTATION_OPTIONS.theme_switcher_json_url;
}
