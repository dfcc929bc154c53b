package indicator

import "math"

// Returns are the simple returns between consecutive values, v[i+1] ÷ v[i] −
// 1: one fewer than values.
func Returns(values []float64) []float64 {
	if len(values) < 2 {
		return nil
	}
	out := make([]float64, len(values)-1)
	for i := range out {
		out[i] = values[i+1]/values[i] - 1
	}
	return out
}

// Correlation is Pearson's coefficient of two samples of equal length, from
// −1 to 1; false when it is undefined: fewer than two values, unequal
// lengths, a constant sample or values that are not finite.
func Correlation(a, b []float64) (float64, bool) {
	if len(a) != len(b) || len(a) < 2 {
		return 0, false
	}
	var meanA, meanB float64
	for i := range a {
		meanA += a[i]
		meanB += b[i]
	}
	meanA, meanB = meanA/float64(len(a)), meanB/float64(len(b))
	var cov, varA, varB float64
	for i := range a {
		da, db := a[i]-meanA, b[i]-meanB
		cov, varA, varB = cov+float64(da*db), varA+float64(da*da), varB+float64(db*db)
	}
	c := cov / math.Sqrt(varA*varB)
	if math.IsNaN(c) || math.IsInf(c, 0) {
		return 0, false
	}
	return max(-1, min(1, c)), true
}
