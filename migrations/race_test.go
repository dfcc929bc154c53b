package migrations_test

func racing() bool { return false }
