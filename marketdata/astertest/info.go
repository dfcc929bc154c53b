package astertest

import (
	"time"

	"github.com/shopspring/decimal"
)

func exchangeInfo(e *Exchange, _ *call) (any, error) {
	assets := []object{{"asset": "USDT", "marginAvailable": true, "autoAssetExchange": 0}}
	symbols := make([]object, 0, len(e.symbols))
	for _, symbol := range e.symbols {
		m := e.markets[symbol]
		assets = append(assets, object{"asset": m.base, "marginAvailable": false, "autoAssetExchange": nil})
		symbols = append(symbols, m.info())
	}
	return object{
		"exchangeFilters": []any{},
		"rateLimits": []object{
			{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": e.limits.weight},
			{"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": e.limits.orders},
		},
		"serverTime": e.now.UnixMilli(), "assets": assets, "symbols": symbols, "timezone": "UTC",
	}, nil
}

func (m *market) info() object {
	return object{
		"symbol": m.symbol, "pair": m.symbol, "contractType": "PERPETUAL",
		"deliveryDate": time.Date(2100, 12, 25, 8, 0, 0, 0, time.UTC).UnixMilli(),
		"onboardDate":  time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(),
		"status":       m.status(), "maintMarginPercent": "2.5000", "requiredMarginPercent": "5.0000",
		"baseAsset": m.base, "quoteAsset": "USDT", "marginAsset": "USDT",
		"pricePrecision": m.pricePrecision(), "quantityPrecision": m.quantityPrecision(),
		"baseAssetPrecision": pricePlaces, "quotePrecision": pricePlaces,
		"underlyingType": "COIN", "underlyingSubType": []string{}, "settlePlan": 0, "triggerProtect": "0.15",
		"filters": m.filters(), "OrderType": orderTypes(), "timeInForce": timesInForce(),
		"liquidationFee": m.liquidationFee.StringFixed(6), "marketTakeBound": "0.30",
	}
}

func (m *market) filters() []object {
	lot := func(kind string, most decimal.Decimal) object {
		return object{"filterType": kind, "minQty": m.minQty.String(), "maxQty": most.String(), "stepSize": m.lot.String()}
	}
	return []object{
		{"filterType": "PRICE_FILTER", "minPrice": m.tick.String(), "maxPrice": m.maxPrice.String(), "tickSize": m.tick.String()},
		lot("LOT_SIZE", m.maxQty), lot("MARKET_LOT_SIZE", m.marketMaxQty),
		{"filterType": "MAX_NUM_ORDERS", "limit": maxOrders},
		{"filterType": "MAX_NUM_ALGO_ORDERS", "limit": maxConditional},
		{"filterType": "MIN_NOTIONAL", "notional": m.minNotional.String()},
		{"filterType": "PERCENT_PRICE", "multiplierUp": m.up.StringFixed(4), "multiplierDown": m.down.StringFixed(4), "multiplierDecimal": 4},
	}
}

// leverageBrackets has numbers where other answers have strings.
func leverageBrackets(e *Exchange, c *call) (any, error) {
	return each((*Exchange).bracketsAnswer)(e, c)
}

func (e *Exchange) bracketsAnswer(m *market) (object, error) {
	rows := make([]object, len(m.brackets))
	floor := decimal.Zero
	for i, b := range m.brackets {
		rows[i] = object{
			"bracket": i + 1, "initialLeverage": b.MaxLeverage, "notionalCap": m.bracketCap(i), "notionalFloor": floor,
			"maintMarginRatio": b.MaintenancePercent.Shift(-2), "cum": b.DeductionUSD,
		}
		floor = m.bracketCap(i)
	}
	return object{"symbol": m.symbol, "brackets": rows}, nil
}
