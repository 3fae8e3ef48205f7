//===- LayerLowering.h - From a layer function to launches ------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lowers the body of one layer function: tensors become buffers in device
// memory, operations become stages of device functions, and stages that can
// share a launch do (Launches.cpp). A layer whose products have several tiles
// is lowered for calls of few tokens, of some, and for all others.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_LAYERLOWERING_H
#define MOEC_LIB_CODEGEN_NVPTX_LAYERLOWERING_H

#include "DeviceKernel.h"
#include "Phases.h"
#include "moec/Codegen/Common/LayerFunction.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace moec::nvptx {

using Count = TensorRows;

/// A matrix in device memory. Rows of the workspace have room up to `stride`
/// elements, zeros where a product may read them.
struct Buffer {
  moe::ArgumentAttr memory;
  Count rows;
  int64_t cols = 0, stride = 0;
  Type element;
  /// Of encoded rows, whose elements are codes: a scale for each, in f32.
  moe::ArgumentAttr scales = {};
  /// Whether rows lie as the lanes of encoded weights read them (Memory).
  bool transposed = false;
  /// Whether these are hidden rows in the caller's memory (CallerRows), which
  /// are read as if they had the room.
  bool isCallers = false;

  /// Whether runs of elements are read; the caller's other tensors may begin
  /// anywhere.
  bool isPadded() const {
    bool isOwn = memory.getKind() == moe::ArgumentKind::Buffer ||
                 memory.getKind() == moe::ArgumentKind::Weight;
    return isCallers || (isOwn && stride % rowPadding == 0);
  }
  /// Elements of a row in the workspace are a multiple of this, so that
  /// products read whole steps of K.
  static constexpr int64_t rowPadding = 64;
};

/// Blocks of a launch: ceil(rows / perBlock) by `columns`.
struct Grid {
  Count rows;
  int64_t perBlock = 1, columns = 1;
  /// At most so many for each multiprocessor, which share the work; 0 is all.
  int64_t resident = 0;
  /// Blocks that run side by side.
  int64_t cluster = 1;
  /// Whether it may begin before the launch before it has ended.
  bool overlaps = false;
};

struct Product;

/// The rows that a stage works on: of tokens or, `sorted`, of their choices by
/// expert.
struct RowDomain {
  Count rows;
  bool sorted = false;

  bool operator==(const RowDomain &other) const {
    return rows.perToken == other.rows.perToken &&
           rows.fixed == other.rows.fixed && sorted == other.sorted;
  }
};

/// What a thread has of a row: column `first`, or, where there is a `step`, the
/// runs of columns number `first`, `first + step`, ... In that case its warp is
/// number `warp` of the `warps` that have the row.
struct RowPart {
  Value row, first;
  int64_t step = 0;
  Value warp = {};
  int64_t warps = 0;

  /// Emits `body` for the thread's columns below `end`.
  void forColumns(DeviceKernel &k, int64_t end,
                  function_ref<void(Value)> body) const;
  /// Emits `body(column, count)` for the thread's runs of columns below `end`;
  /// of at most 8, so that a run of any type is a few loads.
  void forRuns(DeviceKernel &k, int64_t end,
               function_ref<void(Value, int64_t)> body) const;
  /// The same for what `read` gives and `write` takes: several runs are read
  /// before any is written.
  void mapRuns(DeviceKernel &k, int64_t end,
               function_ref<SmallVector<Value>(Value, int64_t)> read,
               function_ref<void(ValueRange, Value)> write) const;
  /// Copies the thread's runs of columns below `end` to row `toRow` of `to`.
  void copy(DeviceKernel &k, int64_t end, const Memory &from, const Memory &to,
            Value toRow) const;
  /// Emits `body` for one warp of those that have the row.
  void onWarp(DeviceKernel &k, function_ref<void()> body) const;

private:
  /// Columns of a run below `end`.
  int64_t runBelow(int64_t end) const;
};

/// Threads of a block that has one row.
inline constexpr int64_t rowThreads = 256;

/// What the elements of a tensor are stored as: codes of encoded rows as bf16.
Type storedElement(Value tensor);

/// Emits what the threads of a row do with it; once for each kernel it is part
/// of. All of them come to it.
using RowWork =
    std::function<LogicalResult(DeviceKernel &k, const RowPart &part)>;
/// What comes before the work on rows and takes more than a row's threads. In
/// calls of few tokens, `shares` blocks of row `row` do a share each, and read
/// nothing that other stages of the launch write; in others, a block does it
/// for all its rows, of which `row` is the first.
struct RowPrelude {
  std::function<LogicalResult(DeviceKernel &k, Value row, Value share)> emit;
  int64_t shares = 1;
};
/// Emits what one block does with all tokens.
using TokenWork = std::function<LogicalResult(DeviceKernel &k)>;

/// Calls by their number of tokens. A layer is lowered once for each kind that
/// its products have tiles for.
enum class Calls { Few, Some, Many };

class LayerLowering {
public:
  explicit LayerLowering(func::FuncOp kernel) : kernel(kernel) {}

  /// Emits the device functions and the moe.plan beside `kernel`.
  LogicalResult run();

  //===--- Device functions -----------------------------------------------===//

  /// Begins a device function of this layer.
  DeviceKernel begin(Location loc, StringRef suffix, int64_t threads);
  /// Ends it and launches it on `grid`.
  void launch(DeviceKernel &k, Grid grid);
  /// The memory of a buffer in a device function.
  Memory use(DeviceKernel &k, const Buffer &buffer);
  Memory use(DeviceKernel &k, Value tensor) { return use(k, get(tensor)); }
  /// The scales of encoded rows.
  Memory useScales(DeviceKernel &k, const Buffer &rows);
  /// `count` in a device function, as i32.
  Value count(DeviceKernel &k, Count count);
  /// A number the layer computes from the call, computed in the function.
  /// Fails with a message on `user`.
  FailureOr<Value> scalar(DeviceKernel &k, Value value, Operation *user);

  /// What the launches hand a parameter.
  moe::ArgumentAttr argument(moe::ArgumentKind kind, int64_t number = 0);

  //===--- Launches -------------------------------------------------------===//

  /// Adds a stage to the next launch: `work` for each row of `domain`. If the
  /// thread that has an element reads no other columns than its own of what
  /// such stages before it wrote, `width` says how many there are.
  LogicalResult onRows(Location loc, StringRef name, RowDomain domain,
                       RowWork work, int64_t width = 0,
                       RowPrelude prelude = {});
  /// Adds a stage that `blocks` blocks do; several have a launch of their own.
  LogicalResult onTokens(Location loc, StringRef name, TokenWork work,
                         int64_t blocks = 1);
  /// Whether the next launch has such stages already.
  bool hasTokenStages() const { return !pending.tokens.empty(); }
  /// Adds a product, which shares its launch with those just before it.
  LogicalResult onTiles(std::shared_ptr<const Product> product);
  /// Ends the launch that stages are added to: those after it may read every
  /// row that those before it wrote.
  LogicalResult flush();
  /// Emits `body` for the last of `blocks` blocks that come here.
  void whenLast(DeviceKernel &k, Value counter, Value blocks,
                function_ref<void()> body);
  /// The address of `count` counters in a device function.
  Memory useCounters(DeviceKernel &k, int64_t count);
  /// Whether calls of few tokens are being lowered.
  bool isFew() const { return calls == Calls::Few; }
  /// The tile of a product in the calls being lowered; null for none.
  moe::GpuTileAttr tile(Attribute strategy) const;

  //===--- Buffers --------------------------------------------------------===//

  Buffer get(Value tensor) const { return buffers.lookup(tensor); }
  void set(Value tensor, Buffer buffer) { buffers[tensor] = buffer; }
  /// Memory in the workspace, its rows padded for products.
  Buffer allocate(Count rows, int64_t cols, Type element);
  /// Memory in the workspace without padding.
  Buffer allocateDense(Count rows, int64_t cols, Type element);
  /// Makes the buffer of a result in the workspace.
  Buffer allocateRows(Value tensor);
  /// Makes that of a result that is written element by element or by
  /// DeviceKernel::storeRun(); the caller's memory where that will do.
  Buffer allocateResult(Value tensor);
  /// The rows of a tensor in the order in which `product` reads them.
  FailureOr<Buffer> rowsFor(Operation *product, Value tensor);
  /// The number of a function argument among the weights, if it is one, or is
  /// encoded.
  std::optional<int64_t> weightNumber(Value tensor) const;
  /// Weights packed as `pack` says, `[rows, stride]`.
  Buffer weight(Attribute pack, int64_t rows, int64_t cols, int64_t stride,
                Type element);
  /// The tensor map of a packed weight, for boxes of `boxRows` rows.
  moe::ArgumentAttr tensorMap(const Buffer &packed, int64_t boxRows);
  /// A weight as rows padded for products: biases, tables, gates. Fails with a
  /// message on `user` if `tensor` is not a weight.
  FailureOr<Buffer> weightRows(Value tensor, Type element, Operation *user);

  /// The table of tiles of `tokens` sorted rows (TileTable.h), made when the
  /// slots were grouped; null for other offsets.
  const Buffer *tileTable(Value offsets, int64_t tokens) const;
  void setTileTable(Value offsets, int64_t tokens, Buffer table);

private:
  // LayerInterface.cpp
  LogicalResult bindArguments();
  LogicalResult bindInput(const LayerArguments::Input &input, int64_t position);
  LogicalResult finish(func::ReturnOp op);
  Memory useCallers(DeviceKernel &k, const Buffer &rows);
  Buffer outputMemory(int64_t position, RankedTensorType type);
  bool isHidden(int64_t position) const {
    return outputName(kernel, position) == "hidden";
  }
  LogicalResult copyOut(Value value, int64_t position);
  LogicalResult copyIn(int64_t position, Buffer destination);

  // Launches.cpp
  struct RowStage {
    Location loc;
    StringRef name;
    moe::When when;
    RowWork work;
    int64_t width;
    RowPrelude prelude;
  };
  struct TokenStage {
    Location loc;
    StringRef name;
    moe::When when;
    TokenWork work;
    int64_t blocks;
  };
  /// Stages that will share a launch: rows, then tokens; or products, then
  /// rows.
  struct Pending {
    std::vector<std::shared_ptr<const Product>> products;
    RowDomain domain;
    std::vector<RowStage> rows;
    std::vector<TokenStage> tokens;
  };
  struct StageEmitter;
  LogicalResult launchStages(const Pending &stages, moe::When calls);
  LogicalResult
  launchProducts(ArrayRef<std::shared_ptr<const Product>> products,
                 ArrayRef<RowStage> rows);
  LogicalResult sumColumns(DeviceKernel &k, const Product &product, Value tiles,
                           ArrayRef<RowStage> rows);
  bool canFollow(RowDomain domain, int64_t width) const;
  // Product.cpp
  bool readsTransposed(Operation *product) const;
  SmallVector<Operation *> productsOf(Value rows) const;
  bool isTransposed(Value tensor) const;
  /// The most rows that a call of few tokens has.
  int64_t mostFewRows(Count rows) const;

  LogicalResult lowerCalls(Calls calls, func::ReturnOp op);
  LogicalResult lower(const Step &step);
  LogicalResult lowerUnlessGiven(const Step &step);
  void emitPlan(ArrayRef<int64_t> ranges);

  func::FuncOp kernel;
  llvm::DenseMap<Value, Buffer> buffers;
  llvm::DenseMap<Value, int64_t> weightNumbers;
  /// Copies of the caller's rows, which products read.
  llvm::DenseMap<Value, Buffer> copies;
  llvm::DenseMap<std::pair<Value, int64_t>, Buffer> tileTables;
  /// Whether the launch before lets the next begin, once all are there that
  /// wrote what it reads.
  bool letsNextBegin = false;
  /// Returned values and their position among the outputs.
  llvm::MapVector<Value, int64_t> outputs;
  /// Values whose buffer is the caller's memory.
  llvm::DenseSet<Value> direct;
  /// Of the launches being made.
  moe::When when = moe::When::Always;
  Calls calls = Calls::Many;
  Pending pending;
  SmallVector<Attribute> packs, deviceBuffers, maps, launches;
  /// Buffers that calls of another number of tokens have already.
  SmallVector<int64_t> freeBuffers;
  /// The buffer of counters, made when one is asked for, and how many the
  /// launch with the most has.
  std::optional<moe::ArgumentAttr> counters;
  int64_t mostCounters = 0;
  static constexpr int64_t counterBytes = 4;
};

// One function for each operation; in the file named after its subject.
LogicalResult lowerLinear(LayerLowering &l, moe::LinearOp op);
LogicalResult lowerGroupedMatmul(LayerLowering &l, moe::GroupedMatmulOp op);
LogicalResult lowerRowProduct(LayerLowering &l, moe::LinearOp op);
/// The sums of the rows of a product that combines.
LogicalResult lowerSums(LayerLowering &l, moe::GroupedMatmulOp op);
LogicalResult lowerRouter(LayerLowering &l, moe::RouterOp op);
LogicalResult lowerGroup(LayerLowering &l, moe::GroupOp op);
LogicalResult lowerCapacity(LayerLowering &l, moe::CapacityOp op);
LogicalResult lowerEncode(LayerLowering &l, moe::EncodeOp op);
LogicalResult lowerDispatch(LayerLowering &l, moe::DispatchOp op);
LogicalResult lowerCombine(LayerLowering &l, moe::CombineOp op);
LogicalResult lowerIdentityExperts(LayerLowering &l, moe::IdentityExpertsOp op);
LogicalResult lowerGeneric(LayerLowering &l, linalg::GenericOp op);
LogicalResult lowerFill(LayerLowering &l, linalg::FillOp op);
/// Arithmetic on whole tensors.
LogicalResult lowerElementwise(LayerLowering &l, Operation &op);

/// Adds the weighted rows of each token in the order of its choices: `rows` has
/// one for each slot. `onto` may be null.
LogicalResult emitCombine(LayerLowering &l, Operation *op, Buffer rows,
                          Value weights, Value slots, Value onto, Value result);

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_LAYERLOWERING_H
