; Sums of 128 floats each. Launch: block 128.
@part = internal unnamed_addr addrspace(3) global [4 x float] zeroinitializer, align 4

define ptx_kernel void @k(ptr addrspace(1) readonly %x, ptr addrspace(1) writeonly %sums, i32 %n) {
entry:
  %0 = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %1 = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %mul = shl nsw i32 %1, 7
  %add = add nuw i32 %mul, %0
  %cmp = icmp ult i32 %add, %n
  br i1 %cmp, label %cond.true, label %cond.end

cond.true:
  %idxprom = zext i32 %add to i64
  %arrayidx = getelementptr inbounds nuw float, ptr addrspace(1) %x, i64 %idxprom
  %2 = load float, ptr addrspace(1) %arrayidx, align 4
  br label %cond.end

cond.end:
  %cond = phi float [ %2, %cond.true ], [ 0.000000e+00, %entry ]
  %3 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %cond, i32 range(i32 1, 0) 16, i32 31)
  %add1 = fadd float %cond, %3
  %4 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %add1, i32 range(i32 1, 0) 8, i32 31)
  %add1.1 = fadd float %add1, %4
  %5 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %add1.1, i32 range(i32 1, 0) 4, i32 31)
  %add1.2 = fadd float %add1.1, %5
  %6 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %add1.2, i32 range(i32 1, 0) 2, i32 31)
  %add1.3 = fadd float %add1.2, %6
  %7 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %add1.3, i32 range(i32 1, 0) 1, i32 31)
  %rem = and i32 %0, 31
  %cmp2 = icmp eq i32 %rem, 0
  br i1 %cmp2, label %if.then, label %if.end

if.then:
  %add1.4 = fadd float %add1.3, %7
  %div347 = lshr exact i32 %0, 5
  %idxprom4 = zext nneg i32 %div347 to i64
  %arrayidx5 = getelementptr inbounds nuw float, ptr addrspace(3) @part, i64 %idxprom4
  store float %add1.4, ptr addrspace(3) %arrayidx5, align 4
  br label %if.end

if.end:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %cmp6 = icmp samesign ult i32 %0, 32
  br i1 %cmp6, label %if.then7, label %if.end30

if.then7:
  %cmp8 = icmp samesign ult i32 %0, 4
  br i1 %cmp8, label %cond.true9, label %cond.end13

cond.true9:
  %idxprom10 = zext nneg i32 %0 to i64
  %arrayidx11 = getelementptr inbounds nuw float, ptr addrspace(3) @part, i64 %idxprom10
  %8 = load float, ptr addrspace(3) %arrayidx11, align 4
  br label %cond.end13

cond.end13:
  %cond14 = phi float [ %8, %cond.true9 ], [ 0.000000e+00, %if.then7 ]
  %9 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %cond14, i32 range(i32 1, 0) 2, i32 31)
  %add21 = fadd float %cond14, %9
  %10 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %add21, i32 range(i32 1, 0) 1, i32 31)
  %cmp25 = icmp eq i32 %0, 0
  br i1 %cmp25, label %if.then26, label %if.end30

if.then26:
  %add21.1 = fadd float %add21, %10
  %idxprom27 = zext nneg i32 %1 to i64
  %arrayidx28 = getelementptr inbounds nuw float, ptr addrspace(1) %sums, i64 %idxprom27
  store float %add21.1, ptr addrspace(1) %arrayidx28, align 4
  br label %if.end30

if.end30:
  ret void
}

declare range(i32 0, 1024) i32 @llvm.nvvm.read.ptx.sreg.tid.x()

declare range(i32 0, 2147483647) i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()

declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)

declare float @llvm.nvvm.shfl.sync.bfly.f32(i32, float, i32, i32)
