package postgres

// CheckVersion is what Open thinks of a server's number.
var CheckVersion = checkVersion
