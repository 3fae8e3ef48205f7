; How often each of 64 values occurs, and the exclusive sums of that. Launch: one block of 128.
@bins = internal addrspace(3) global [64 x i32] zeroinitializer, align 4

define ptx_kernel void @k(ptr addrspace(1) readonly %x, ptr addrspace(1) writeonly %counts, ptr addrspace(1) writeonly %starts, i32 %n) {
entry:
  %0 = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %cmp = icmp samesign ult i32 %0, 64
  br i1 %cmp, label %if.then, label %if.end

if.then:
  %idxprom = zext nneg i32 %0 to i64
  %arrayidx = getelementptr inbounds nuw i32, ptr addrspace(3) @bins, i64 %idxprom
  store i32 0, ptr addrspace(3) %arrayidx, align 4
  br label %if.end

if.end:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %cmp166 = icmp ult i32 %0, %n
  br i1 %cmp166, label %for.body, label %for.cond.cleanup

for.cond.cleanup:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br i1 %cmp, label %if.then7, label %if.end12

for.body:
  %i.067 = phi i32 [ %add, %for.body ], [ %0, %if.end ]
  %idxprom2 = zext i32 %i.067 to i64
  %arrayidx3 = getelementptr inbounds nuw i32, ptr addrspace(1) %x, i64 %idxprom2
  %1 = load i32, ptr addrspace(1) %arrayidx3, align 4
  %idxprom4 = sext i32 %1 to i64
  %arrayidx5 = getelementptr inbounds i32, ptr addrspace(3) @bins, i64 %idxprom4
  %2 = addrspacecast ptr addrspace(3) %arrayidx5 to ptr
  %3 = atomicrmw add ptr %2, i32 1 seq_cst, align 4
  %add = add i32 %i.067, 128
  %cmp1 = icmp ult i32 %add, %n
  br i1 %cmp1, label %for.body, label %for.cond.cleanup

if.then7:
  %idxprom8 = zext nneg i32 %0 to i64
  %arrayidx11 = getelementptr inbounds nuw i32, ptr addrspace(1) %counts, i64 %idxprom8
  %arrayidx9 = getelementptr inbounds nuw i32, ptr addrspace(3) @bins, i64 %idxprom8
  %4 = load i32, ptr addrspace(3) %arrayidx9, align 4
  store i32 %4, ptr addrspace(1) %arrayidx11, align 4
  br label %if.end12

if.end12:
  %cmp13 = icmp samesign ult i32 %0, 32
  br i1 %cmp13, label %if.then14, label %if.end42

if.then14:
  %mul = shl nuw nsw i32 %0, 1
  %idxprom15 = zext nneg i32 %mul to i64
  %arrayidx16 = getelementptr inbounds nuw i32, ptr addrspace(3) @bins, i64 %idxprom15
  %5 = load i32, ptr addrspace(3) %arrayidx16, align 4
  %add18 = or disjoint i32 %mul, 1
  %idxprom19 = zext nneg i32 %add18 to i64
  %arrayidx20 = getelementptr inbounds nuw i32, ptr addrspace(3) @bins, i64 %idxprom19
  %6 = load i32, ptr addrspace(3) %arrayidx20, align 4
  %add21 = add nsw i32 %6, %5
  %7 = call i32 @llvm.nvvm.shfl.sync.up.i32(i32 -1, i32 %add21, i32 1, i32 0)
  %cmp26.not = icmp eq i32 %0, 0
  %add28 = select i1 %cmp26.not, i32 0, i32 %7
  %spec.select = add nsw i32 %add28, %add21
  %8 = call i32 @llvm.nvvm.shfl.sync.up.i32(i32 -1, i32 %spec.select, i32 2, i32 0)
  %cmp26.not.1 = icmp samesign ult i32 %0, 2
  %add28.1 = select i1 %cmp26.not.1, i32 0, i32 %8
  %spec.select.1 = add nsw i32 %add28.1, %spec.select
  %9 = call i32 @llvm.nvvm.shfl.sync.up.i32(i32 -1, i32 %spec.select.1, i32 4, i32 0)
  %cmp26.not.2 = icmp samesign ult i32 %0, 4
  %add28.2 = select i1 %cmp26.not.2, i32 0, i32 %9
  %spec.select.2 = add nsw i32 %add28.2, %spec.select.1
  %10 = call i32 @llvm.nvvm.shfl.sync.up.i32(i32 -1, i32 %spec.select.2, i32 8, i32 0)
  %cmp26.not.3 = icmp samesign ult i32 %0, 8
  %add28.3 = select i1 %cmp26.not.3, i32 0, i32 %10
  %spec.select.3 = add nsw i32 %add28.3, %spec.select.2
  %11 = call i32 @llvm.nvvm.shfl.sync.up.i32(i32 -1, i32 %spec.select.3, i32 16, i32 0)
  %cmp26.not.4 = icmp samesign ult i32 %0, 16
  %add28.4 = select i1 %cmp26.not.4, i32 0, i32 %11
  %spec.select.4 = add nsw i32 %add28.4, %spec.select.3
  %sub = sub nsw i32 %spec.select.4, %add21
  %arrayidx35 = getelementptr inbounds nuw i32, ptr addrspace(1) %starts, i64 %idxprom15
  store i32 %sub, ptr addrspace(1) %arrayidx35, align 4
  %add37 = add nsw i32 %sub, %5
  %arrayidx41 = getelementptr inbounds nuw i32, ptr addrspace(1) %starts, i64 %idxprom19
  store i32 %add37, ptr addrspace(1) %arrayidx41, align 4
  br label %if.end42

if.end42:
  ret void
}

declare range(i32 0, 1024) i32 @llvm.nvvm.read.ptx.sreg.tid.x()

declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)

declare i32 @llvm.nvvm.shfl.sync.up.i32(i32, i32, i32, i32)
