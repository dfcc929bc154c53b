package aster

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"
)

// commissionRow is the answer of commissionRate.
type commissionRow struct {
	Symbol string `json:"symbol"`
	Maker  amount `json:"makerCommissionRate"`
	Taker  amount `json:"takerCommissionRate"`
}

// check bounds the rates to 5 %, ten times what any venue takes. A maker may
// be paid.
func (r *commissionRow) check() error {
	if err := required(presence{"makerCommissionRate", r.Maker.set}, presence{"takerCommissionRate", r.Taker.set}); err != nil {
		return err
	}
	most := decimal.New(5, -2)
	if r.Maker.value.Abs().GreaterThan(most) || r.Taker.value.IsNegative() || r.Taker.value.GreaterThan(most) {
		return fmt.Errorf("rates must be within 0.05 and the taker's not negative, were %s and %s", clipped(r.Maker.value), clipped(r.Taker.value))
	}
	return nil
}

// modeRow is the answer of positionSide/dual.
type modeRow struct {
	Hedge flag `json:"dualSidePosition"`
}

func (r *modeRow) check() error { return required(presence{"dualSidePosition", r.Hedge.set}) }

// multiAssetsRow is the answer of multiAssetsMargin.
type multiAssetsRow struct {
	MultiAssets flag `json:"multiAssetsMargin"`
}

func (r *multiAssetsRow) check() error {
	return required(presence{"multiAssetsMargin", r.MultiAssets.set})
}

// incomeRow is an element of income.
type incomeRow struct {
	TranID label  `json:"tranId"`
	Type   string `json:"incomeType"`
	Symbol string `json:"symbol"`
	Asset  string `json:"asset"`
	Income amount `json:"income"`
	Time   moment `json:"time"`
}

func (r *incomeRow) check() error {
	if err := required(presence{"tranId", r.TranID != ""}, presence{"income", r.Income.set}, presence{"time", r.Time.set}); err != nil {
		return err
	}
	if len(r.TranID) > maxSymbolText || len(r.Symbol) > maxSymbolText {
		return fmt.Errorf("tranId and symbol must have at most %d bytes", maxSymbolText)
	}
	return errors.Join(checkName("incomeType", r.Type), checkName("asset", r.Asset))
}

func (r *incomeRow) income() Income {
	return Income{string(r.TranID), r.Type, r.Symbol, r.Asset, r.Income.value, r.Time.at}
}

// tradeRow is an element of userTrades.
type tradeRow struct {
	ID              int64  `json:"id"`
	OrderID         int64  `json:"orderId"`
	Symbol          string `json:"symbol"`
	Side            string `json:"side"`
	PositionSide    string `json:"positionSide"`
	Maker           flag   `json:"maker"`
	Price           amount `json:"price"`
	Quantity        amount `json:"qty"`
	Commission      amount `json:"commission"`
	CommissionAsset string `json:"commissionAsset"`
	RealizedPnL     amount `json:"realizedPnl"`
	Time            moment `json:"time"`
}

func (r *tradeRow) check() error {
	if err := required(presence{"id", r.ID > 0}, presence{"maker", r.Maker.set}, presence{"price", r.Price.set}, presence{"qty", r.Quantity.set},
		presence{"commission", r.Commission.set}, presence{"realizedPnl", r.RealizedPnL.set}, presence{"time", r.Time.set}); err != nil {
		return err
	}
	if !r.Price.value.IsPositive() || !r.Quantity.value.IsPositive() {
		return fmt.Errorf("price and qty must be positive, were %s and %s", clipped(r.Price.value), clipped(r.Quantity.value))
	}
	return errors.Join(checkName("symbol", r.Symbol), checkOrderSide(r.Side), checkSide(r.PositionSide))
}

func (r *tradeRow) trade() Trade {
	return Trade{
		ID: r.ID, OrderID: r.OrderID, Symbol: r.Symbol, Buy: r.Side == "BUY", Maker: r.Maker.on, PositionSide: r.PositionSide,
		Price: r.Price.value, Quantity: r.Quantity.value, Commission: r.Commission.value, CommissionAsset: r.CommissionAsset,
		RealizedPnL: r.RealizedPnL.value, At: r.Time.at,
	}
}

// orderRow is an element of openOrders.
type orderRow struct {
	ID            int64  `json:"orderId"`
	ClientID      string `json:"clientOrderId"`
	Symbol        string `json:"symbol"`
	Side          string `json:"side"`
	PositionSide  string `json:"positionSide"`
	Type          string `json:"type"`
	Status        string `json:"status"`
	Price         amount `json:"price"`
	StopPrice     amount `json:"stopPrice"`
	Quantity      amount `json:"origQty"`
	Filled        amount `json:"executedQty"`
	ReduceOnly    flag   `json:"reduceOnly"`
	ClosePosition flag   `json:"closePosition"`
}

func (r *orderRow) check() error {
	if err := required(presence{"orderId", r.ID > 0}, presence{"price", r.Price.set}, presence{"stopPrice", r.StopPrice.set}, presence{"origQty", r.Quantity.set},
		presence{"executedQty", r.Filled.set}, presence{"reduceOnly", r.ReduceOnly.set}, presence{"closePosition", r.ClosePosition.set}); err != nil {
		return err
	}
	for _, a := range [...]amount{r.Price, r.StopPrice, r.Quantity, r.Filled} {
		if a.value.IsNegative() {
			return fmt.Errorf("prices and quantities of order %d must not be negative, one was %s", r.ID, clipped(a.value))
		}
	}
	if r.Filled.value.GreaterThan(r.Quantity.value) && r.Quantity.value.IsPositive() {
		return fmt.Errorf("order %d must not be filled beyond its quantity", r.ID)
	}
	return errors.Join(checkName("symbol", r.Symbol), checkName("type", r.Type), checkName("status", r.Status), checkOrderSide(r.Side), checkSide(r.PositionSide))
}

func (r *orderRow) order() OpenOrder {
	return OpenOrder{
		ID: r.ID, ClientID: r.ClientID, Symbol: r.Symbol, Buy: r.Side == "BUY", PositionSide: r.PositionSide, Type: r.Type, Status: r.Status,
		Price: r.Price.value, StopPrice: r.StopPrice.value, Quantity: r.Quantity.value, Filled: r.Filled.value,
		ReduceOnly: r.ReduceOnly.on, ClosePosition: r.ClosePosition.on,
	}
}
