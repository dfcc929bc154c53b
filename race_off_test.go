//go:build !race

package ballast_test

const raceDetector = false
